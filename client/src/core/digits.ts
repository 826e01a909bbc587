/** Time as digits. */

/** Time that has passed, whole seconds completed: "1:05", "1:00:00". */
export function stopwatch(ms: number): string {
  return digits(Math.floor(ms / 1000));
}

/** Time that is left: shows 0:00 only when nothing is, and changes when a stopwatch of the same instant does. */
export function countdown(ms: number): string {
  return digits(Math.ceil(ms / 1000));
}

function digits(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (value: number) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
