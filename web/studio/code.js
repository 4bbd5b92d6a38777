// C++ with its tokens coloured: Prism says what they are, and they become elements here. No HTML is made
// of text.

import {el} from '../dom.js';

export function codeBlock(code) {
  const text = unindent(code);
  const {Prism} = window;
  const parts = Prism?.languages.cpp ? Prism.tokenize(text, Prism.languages.cpp) : [text];
  return el('pre', {class: 'code', tabindex: '0', role: 'region', 'aria-label': 'Code'}, el('code', {}, ...parts.map(nodeOf)));
}

function nodeOf(part) {
  if (typeof part === 'string') return part;
  const content = Array.isArray(part.content) ? part.content.map(nodeOf) : [typeof part.content === 'string' ? part.content : nodeOf(part.content)];
  return el('span', {class: `token ${part.type}`}, ...content);
}

// A block keeps the indentation that it has in the YAML.
export function unindent(code) {
  const lines = code.replace(/\s+$/, '').split('\n');
  const depth = Math.min(...lines.filter((l) => l.trim() !== '').map((l) => /^ */.exec(l)[0].length));
  return lines.map((l) => l.slice(Number.isFinite(depth) ? depth : 0)).join('\n').replace(/^\n+/, '');
}
