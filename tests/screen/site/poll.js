// The number on the screen as other systems show it: the page counts, and a poll every 5 seconds sets its counter.
const asked = new URLSearchParams(location.search);
const digits = document.querySelector("#elapsed");
const token = await (await fetch(`token${location.search}`)).text();
const address = `${asked.get("service")}/v1/chats/${asked.get("chat")}/tracking`;
let base = null;
let since = 0;

const elapsed = () => (base === null ? null : base + performance.now() - since);

function paint() {
  if (base === null) return;
  const seconds = Math.floor(elapsed() / 1000);
  digits.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function poll() {
  const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  base = (await answer.json()).chat.duration_ms;
  since = performance.now();
  paint();
}

record(digits, null, digits, () => ({ state: "running", errorMs: Number.NaN, elapsedMs: elapsed() }));
setInterval(paint, 1000);
setInterval(poll, 5000);
await poll();
