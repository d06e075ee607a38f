import { redactDeep } from '../lib/redact.ts';
import { circumstanceRows } from './circumstance-rows.ts';
import { errorIdRows } from './error-id-rows.ts';
import type { Explanation, FailureEvidence, FailureRow } from './failure-evidence.ts';
import { sightsOf } from './failure-words.ts';
import { notRecognised } from './outcome-failures.ts';
import { requestRows } from './request-rows.ts';

export type { Explanation, FailureEvidence } from './failure-evidence.ts';

/**
 * What goes wrong on a site and what to say about it, first match wins. Rows match on ids, codes, states
 * and the literal texts that are known from documentation or real sites; the others on where it happened
 * and what was seen, never on words: sites speak the language of their installation.
 */
const rows: readonly FailureRow[] = [...requestRows, ...errorIdRows, ...circumstanceRows];

/** The numbers of the rows in the order in which they are tried. */
export const rowNumbers: readonly number[] = rows.map(({ row }) => row);

/**
 * One cause and one next step, or "not recognised" with the site's own words: a wrong one is worse than
 * none. Secrets are masked before anything is read.
 */
export function explainFailure(evidence: FailureEvidence): Explanation {
  const masked = redactDeep(evidence) as FailureEvidence;
  const { row, explain } = rows.find(({ matches }) => matches(masked)) ?? notRecognisedRow;
  return { row, ...explain(masked), seen: sightsOf(masked) };
}

const notRecognisedRow = { row: 0, explain: notRecognised };
