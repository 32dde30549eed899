// Every text of the sign-in page, in English.

export default {
  title: 'Sign in',
  name: 'Name',
  password: 'Password',
  act: 'Sign in',
  out: 'Sign out',
  everywhere: 'Sign out everywhere',
  on: 'Continue',
  hint: 'Sign in to see your balance and to withdraw. An order under way is '
    + 'kept in this browser and goes on after that.',
  busy: 'Signing in…',
  missing: 'Enter your name and your password.',
  wrong: 'The name and the password do not belong together.',
  slow: (seconds) => `There were too many attempts. Try again in ${seconds} s.`,
  unavailable: 'Signing in is not possible right now. Nothing was lost; '
    + 'please try again in a moment.',
  here: (name) => `You are signed in as ${name}.`,
  left: 'You are signed out.',
  stays: 'You are still signed in: no answer came through. Please try again.',
};
