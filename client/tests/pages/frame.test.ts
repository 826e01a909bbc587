// @vitest-environment happy-dom
import "./dictionary.ts";
import { beforeEach, expect, test } from "vitest";
import { clearProblem, showProblem } from "../../pages/shell/frame.ts";
import { RequestProblem } from "../../src/request.ts";

const problem = () => new RequestProblem({ title: "Down", status: 503, code: "unavailable" });
const isShown = () => document.getElementById("problem")?.hidden === false;

beforeEach(() => {
  document.body.innerHTML = '<p id="problem" hidden></p>';
  showProblem(null);
});

test("a failure of a request in the background goes with its next success, and no other failure goes", () => {
  const inBackground = problem();
  showProblem(inBackground);
  expect(isShown()).toBe(true);
  clearProblem(inBackground);
  expect(isShown()).toBe(false);
  showProblem(inBackground);
  showProblem(problem());
  clearProblem(inBackground);
  clearProblem(null);
  expect(isShown()).toBe(true);
});
