// The language: what was chosen here before, or else the first of the
// browser's languages that there are words for.

import en from './words/en.js';
import zh from './words/zh.js';

const LANGUAGES = { en, zh };
const KEY = 'withdraw.language';

let words = LANGUAGES[chosen()] ?? LANGUAGES[preferred()];

export function language() {
  return words;
}

// The language that a click would lead to.
export function otherLanguage() {
  return words === en ? zh : en;
}

export function switchLanguage() {
  words = otherLanguage();
  try {
    localStorage.setItem(KEY, words.code);
  } catch {
    // for this visit then
  }
}

// For Intl: with the browser's region, if it is one of this language.
export function locale() {
  return words.locale ?? navigator.languages.find(
    (tag) => tag.toLowerCase().startsWith(words.code)) ?? words.code;
}

function preferred() {
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())
    .find((code) => code in LANGUAGES) ?? 'en';
}

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
