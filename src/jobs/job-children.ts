import { z } from 'zod';
import { GatewayError } from '../lib/errors.ts';
import { ChildRow } from './child-row.ts';
import type { JobType } from './job-type.ts';

/** A child that a parent asks for. It gets the parent's owner, labels and reference. */
export type ChildWish = {
  /** Names the child within its parent. In a retry the one of the same key is left out where it was successful. */
  key: string;
  jobType: JobType;
  inputs: Record<string, unknown>;
  /** The service that it makes or changes, for the table. */
  service?: string | undefined;
  /** Of the files that it works with: a success with other files is no reason to leave it out of a retry. */
  digest?: string | undefined;
  /** Whether what an earlier try of it made is still there, where others need that; else it is done again. */
  isStillThere?: (jobId: string) => Promise<boolean>;
  /** Keys of children of the same call that have to be successful before this one is made. */
  after?: readonly string[];
  /** Why it cannot be done, found out by the parent: it fails without a beginning. */
  refusal?: GatewayError;
};

export type ChildrenOptions = {
  /** `stop`: once one has failed, those that have not begun are dismissed. */
  onFailure?: 'continue' | 'stop';
};

/** Children that have all been successful. */
export type Children = {
  count: number;
  /** How many of them were successful in an earlier try and are not done again. */
  kept: number;
  /** What a child came to, by its place in the call. Not parsed. */
  results: (at: number) => Promise<unknown>;
};

/**
 * Makes children and waits for them without holding a slot: the attempt ends, and the last child calls the parent
 * again. Called in the same order with the same wishes by every attempt, it goes on from where it was; so what the
 * wishes are made of is a parameter or the result of a step.
 *
 * @throws ChildrenFailedError naming those that were not successful
 */
export type RunChildren = (
  wishes: readonly ChildWish[],
  options?: ChildrenOptions,
) => Promise<Children>;

/** Thrown where an attempt of a parent gives its place back: its children go on without it. */
export class ChildrenPendingError extends Error {
  override readonly name = 'ChildrenPendingError';
}

/** Some children were not successful. */
export class ChildrenFailedError extends GatewayError {
  override readonly name = 'ChildrenFailedError';
  readonly code = 'children_failed';
}

/** How many names a problem lists; the table has all of them. */
const named = 20;

export function toChildrenFailed(rows: readonly ChildRow[]): ChildrenFailedError {
  const failed = rows.filter(({ status }) => status === 'failed');
  const dismissed = rows.filter(({ status }) => status === 'dismissed');
  const first = failed.slice(0, 3).map(({ key, code }) => (code ? `${key} (${code})` : key));
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : '';
  const sentences = [
    failed.length > 0 &&
      `${failed.length} of ${rows.length} children failed: ${first.join(', ')}${more}.`,
    dismissed.length > 0 && `${dismissed.length} of ${rows.length} were dismissed or never begun.`,
    'Retry this job to do again only what was not successful.',
  ];
  return new ChildrenFailedError(sentences.filter(Boolean).join(' '), {
    facts: {
      children: {
        total: rows.length,
        successful: rows.length - failed.length - dismissed.length,
        failed: failed.length,
        dismissed: dismissed.length,
      },
      failedChildren: failed.slice(0, named).map(({ digest: _, index: __, ...row }) => row),
    },
  });
}

/** Of a job with children: all of them were successful. The rows are put in when somebody asks for the results. */
export const ChildrenResult = z
  .object({
    childCount: z.int().describe('How many children there were'),
    keptCount: z.int().describe('How many of them were successful in an earlier try'),
    children: z
      .array(ChildRow)
      .optional()
      .describe('Each child, in order; of more than 1000 the rest follows the link `next`'),
  })
  .meta({ id: 'ChildrenResults' });
export type ChildrenResult = z.output<typeof ChildrenResult>;

/** The outputs of a job type, those that it has as a parent included. */
export function outputsOf({
  result,
  queue,
  isParent,
  worksHere,
}: Pick<JobType, 'result' | 'queue' | 'isParent' | 'worksHere'>): Record<string, z.core.$ZodType> {
  const hasChildren = (queue === 'site' && !worksHere) || isParent;
  return { ...result.shape, ...(hasChildren && ChildrenResult.shape) };
}
