// Before Prism is loaded: it is asked for tokens (code.js), and colours nothing of its own accord.
window.Prism = {manual: true};
