// Where panels are: 12 columns on a wide page, less wide ones share lines, on a phone they come one after the other, figures in pairs.

export const kColumns = 12;
const kMiddleMin = {figure: 3, 'status-grid': 4};   // of 12, on a page of middle width
const kMiddleUsual = 6;

// `width` of those without one: what is left, shared.
export function widthsOf(panels) {
  let left = kColumns - panels.reduce((sum, {width = 0}) => sum + width, 0), open = panels.filter(({width}) => !width).length;
  return panels.map(({width}) => {
    if (width) return Math.min(kColumns, width);
    const share = Math.max(1, Math.floor(left / open));
    left -= share;
    open -= 1;
    return share;
  });
}

// {wide, middle, small} of each panel of a row: columns of 12.
export function spansOf(panels) {
  const wide = widthsOf(panels);
  const middle = fill(panels.map(({type}, i) => Math.max(wide[i], kMiddleMin[type] ?? kMiddleUsual)));
  const small = fill(panels.map(({type}) => (type === 'figure' ? 6 : kColumns)));
  return panels.map((_, i) => ({wide: wide[i], middle: middle[i], small: small[i]}));
}

// Lines are filled: what a line has left goes to its last panel.
function fill(spans) {
  const filled = [...spans];
  let used = 0;
  filled.forEach((span, i) => {
    if (used + span > kColumns) {
      filled[i - 1] += kColumns - used;
      used = 0;
    }
    used += span;
  });
  if (filled.length > 0 && used < kColumns) filled[filled.length - 1] += kColumns - used;
  return filled;
}
