// The page on which people sign in: sends the token once, in a header, and the server makes the browser keep it in a
// cookie that no script can read. Then goes on to where its visitor came from.
import {$} from './dom.js';

// Never another site, whoever made the address of this page.
function wanted() {
  try {
    const to = new URL(new URLSearchParams(location.search).get('to') ?? './', document.baseURI);
    to.hash ||= location.hash;
    if (to.origin === location.origin) return to;
  } catch {
    // No address.
  }
  return './';
}

const form = $('form'), token = $('token'), message = $('message');

async function ask(path, headers) {
  const response = await fetch(path, {method: 'POST', headers, credentials: 'same-origin', cache: 'no-store'});
  if (response.ok) return;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `the server says ${response.status}`);
}

function busy(is) {
  for (const button of form.querySelectorAll('button')) button.disabled = is;
}

async function run(work) {
  busy(true);
  message.textContent = '\u00a0';
  try {
    await work();
  } catch (error) {
    message.textContent = error.message;
    token.select();
  }
  busy(false);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void run(async () => {
    await ask('sign-in', {Authorization: `Bearer ${token.value.trim()}`});
    location.replace(wanted());
  });
});
$('sign-out').addEventListener('click', () => void run(async () => {
  await ask('sign-out', {});
  message.textContent = 'You are signed out.';
}));
