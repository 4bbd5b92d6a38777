// Sets the theme before the first paint: a classic script in <head>, so that no page flashes.
// "light" and "dark" are remembered; without a choice the system's preference counts.
(() => {
  try {
    const chosen = localStorage.getItem('gameflow.theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be denied; the system's preference is then the only one.
  }
})();
