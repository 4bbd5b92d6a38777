// Words of whoever wrote the dashboard: paragraphs, and lists of lines that begin with "- ".

import {h} from '../view.js';

export const text = {height: 3, view};

function view(spec) {
  return (spec.text ?? '').split(/\n\s*\n/).map((part) => {
    const lines = part.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    if (lines.length > 0 && lines.every((line) => line.startsWith('- '))) return h('ul', {}, lines.map((line) => h('li', {}, line.slice(2))));
    return h('p', {}, lines.join(' '));
  });
}
