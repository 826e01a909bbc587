/** Durations as digits. */

/** Time that has passed, in whole seconds that are complete: "1:05", "1:00:00". */
export function stopwatch(ms: number): string {
  return digits(Math.floor(ms / 1000));
}

/** Time that is left. It is 0:00 only when none is left, and changes at the same instant as a stopwatch. */
export function countdown(ms: number): string {
  return digits(Math.ceil(ms / 1000));
}

function digits(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const twoDigits = (value: number) => String(value).padStart(2, "0");
  const rest = twoDigits(seconds % 60);
  return hours ? `${hours}:${twoDigits(minutes)}:${rest}` : `${minutes}:${rest}`;
}
