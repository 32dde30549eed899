// The sign-in page: a name and a password for a session, which the browser keeps
// in a cookie that no script can read; and the way out of it again. A site with
// a login of its own does not use this page.

import * as api from './api.js';
import {
  language, otherLanguage, setText, switchLanguage,
} from './view.js';
import en from './words/sign-in.en.js';
import zh from './words/sign-in.zh.js';

const TEXTS = { en, zh };
// what is said of the fields, and not of the service
const WRONG = new Set(['missing', 'wrong']);

const ui = Object.fromEntries(
  [...document.querySelectorAll('[id]')].map((e) => [e.id, e]));

// note and status: which text, and what it needs.
const state = { busy: false, name: '', note: null, status: null };

ui.form.addEventListener('submit', (event) => {
  event.preventDefault();
  guard(signIn);
});
ui.language.addEventListener('click', () => {
  switchLanguage();
  show({});
});
ui.out.addEventListener('click', () => guard(() => signOut(false)));
ui.everywhere.addEventListener('click', () => guard(() => signOut(true)));
addEventListener('pageshow', (event) => {
  // restored whole, with who was signed in then
  if (event.persisted) guard(look);
});

show({});
guard(look);

async function guard(action) {
  try {
    await action();
  } catch (error) {
    console.error(error);
    show({ busy: false, note: ['unavailable'] });
  }
}

// Is somebody signed in already?
async function look() {
  const answer = await api.getSession();
  show({ name: answer.status === 200 ? answer.body.name : '' });
  // not under the hands of somebody who types already
  if (!state.name && document.activeElement === document.body) {
    ui.name.focus();
  }
}

async function signIn() {
  const name = ui.name.value.trim();
  if (state.busy) return;
  if (name === '' || ui.password.value === '') {
    show({ note: ['missing'], status: null });
    (name === '' ? ui.name : ui.password).focus();
    return;
  }
  show({ busy: true, note: null, status: ['busy'] });
  const answer = await api.beginSession(name, ui.password.value);
  show({ busy: false, status: null });
  if (answer.status === 201) {
    ui.password.value = '';
    location.replace(next());
    return;
  }
  show({ note: refusal(answer) });
  ui.password.select();
  ui.password.focus();
}

function refusal(answer) {
  const code = api.problemCode(answer);
  // a name or a password that cannot be one does not belong together either
  if (code === 'sign-in-failed' || code === 'malformed') return ['wrong'];
  if (answer.status === 429) {
    return ['slow', Math.max(1, Math.ceil(answer.retryAfterMs / 1000))];
  }
  return ['unavailable'];
}

async function signOut(everywhere) {
  if (state.busy) return;
  show({ busy: true, note: null });
  const answer = await api.endSession(everywhere);
  show({ busy: false });
  if (answer.status === 200) {
    show({ name: '', status: ['left'] });
    ui.name.focus();
  } else {
    show({ note: ['stays'] });
  }
}

// Where to go on: a path of this site, or its beginning.
function next() {
  const wanted = new URLSearchParams(location.search).get('next') ?? '/';
  const url = URL.canParse(wanted, location.origin)
    ? new URL(wanted, location.origin) : null;
  return url?.origin === location.origin && wanted.startsWith('/')
    ? url.href : '/'; // whole: a path may begin like a host
}

function show(changes) {
  Object.assign(state, changes);
  const t = TEXTS[language().code];
  const other = otherLanguage();
  document.documentElement.lang = language().locale ?? language().code;
  document.title = t.title;
  for (const element of document.querySelectorAll('[data-text]')) {
    setText(element, t[element.dataset.text]);
  }
  setText(ui.brand, language().ui.brand);
  setText(ui.language, other.switchTo);
  ui.language.lang = other.locale ?? other.code;
  setText(ui.here, state.name ? t.here(state.name) : '');
  setText(ui.note, text(t, state.note));
  setText(ui.status, text(t, state.status));
  for (const field of [ui.name, ui.password]) {
    field.setAttribute('aria-invalid', String(WRONG.has(state.note?.[0])));
  }
  ui.on.href = next();
  ui.form.hidden = state.name !== '';
  ui.session.hidden = state.name === '';
  ui.fields.disabled = state.busy;
  document.documentElement.dataset.ready = '';
}

function text(t, what) {
  if (!what) return '';
  const [key, value] = what;
  return typeof t[key] === 'function' ? t[key](value) : t[key];
}
