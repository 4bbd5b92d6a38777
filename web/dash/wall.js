// Sets the look of a wall screen before the first paint: a classic script in <head>, as theme.js.
if (new URLSearchParams(location.search).get('wall') === '1') document.documentElement.dataset.wall = '1';
