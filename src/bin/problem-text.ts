import { z } from 'zod';
import type { Problem } from '../lib/problem.ts';

const texts = z.array(z.string()).catch([]);
const Told = z.looseObject({
  cause: z.string().optional().catch(undefined),
  nextStep: z.string().optional().catch(undefined),
  alternatives: texts,
  siteMessages: texts,
  serverLog: z
    .array(z.looseObject({ level: z.string(), source: z.string(), message: z.string() }))
    .catch([]),
  putBack: texts,
  notPutBack: texts,
});

const mostLines = 6;

/** A problem for people at a terminal: what happened, why, what to do, and the site's own words. */
export function toProblemText(problem: Problem): string {
  const told = Told.parse(problem);
  const log = told.serverLog.map(({ level, source, message }) => `${level} ${source}: ${message}`);
  return [
    `${problem.title} (${problem.code})`,
    ...section('What', [problem.detail]),
    ...section(
      'Faults',
      problem.errors?.map((fault) =>
        `${fault.pointer ?? fault.parameter ?? ''} ${fault.detail}`.trim(),
      ),
    ),
    ...section('Cause', [told.cause]),
    ...section('Next step', [told.nextStep]),
    ...section('Or it is', told.alternatives),
    ...section('The site said', told.siteMessages),
    ...section('Its log says', log),
    ...section('Put back', told.putBack),
    ...section('NOT put back', told.notPutBack),
  ].join('\n');
}

function section(name: string, lines: readonly (string | undefined)[] = []): string[] {
  const said = lines.filter((line): line is string => line !== undefined && line !== '');
  const shown = said.slice(0, mostLines);
  if (said.length > shown.length) shown.push(`… and ${said.length - shown.length} more`);
  return shown.map((line, index) => `  ${(index === 0 ? name : '').padEnd(14)} ${line}`);
}
