/*
 * The last line of `.ci/run`: "N passed, N failed", counted from Jest's own report. A suite that could not run at all counts
 * as a failure, and so does a run without a report or one that failed for another reason: the line never looks better than
 * the run was. Usage: node tools/tally.mjs <Jest's JSON> <exit code of the tests>.
 */
import { readFileSync } from 'node:fs';

const [file, exitCode] = process.argv.slice(2);
const { passed, failed } = counts(file);
console.log(`${passed} passed, ${failed === 0 && exitCode !== '0' ? 1 : failed} failed`);

function counts(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
