// Waiting: for a moment, and for as long as a service asks that had too many requests.

import { showProblem } from "./frame.js";

export const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

// Too many requests are answered with how long to wait, and what was asked is asked again then, by itself. Ends with null
// once `mine` says that the answer is of no use any more.
export async function patiently(mine, work) {
  while (mine()) {
    try {
      return await work();
    } catch (problem) {
      if (problem.status !== 429) throw problem;
      if (!mine()) return null;
      showProblem(problem);
      await wait(problem.wait || 5);
      if (mine()) showProblem(null);
    }
  }
  return null;
}
