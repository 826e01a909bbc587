// Keeps the clocks of the browser for the recorder, and lets a test replace the clocks of the page under test.
(() => {
  const now = performance.now.bind(performance);
  const wall = Date.now;
  const began = wall() - now();
  window.truth = { now, wall };

  /** `wallMs`: how wrong the wall clock is. `still`: spans of true time in which local time stands. */
  window.clocks = { wallMs: Number(new URLSearchParams(location.search).get("wall") ?? 0), still: [] };

  /** [true instant, type] of every frame sent on a socket; a frame that asks for a sign of life is empty. */
  window.sent = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    sent.push([wall(), text && JSON.parse(text).type]);
    send.call(this, text);
  };

  const stood = () =>
    clocks.still.reduce((sum, [from, until]) => sum + Math.max(0, Math.min(began + now(), until) - from), 0);
  performance.now = () => now() - stood();
  Date.now = () => wall() + clocks.wallMs;
})();
