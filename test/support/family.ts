import { z } from 'zod';
import { defineJobType, type JobType } from '../../src/jobs/job-type.ts';
import { defineStep } from '../../src/jobs/step.ts';
import { GatewayError } from '../../src/lib/errors.ts';

class NotTonight extends GatewayError {
  override readonly name = 'NotTonight';
  readonly code = 'publishing_failed';
}

const Ending = z.enum(['say', 'fail', 'wait', 'wait-and-fail']);

/** Cheap children: one says its word, fails when it shall, or waits until it is let go or stopped. */
export function createFamily() {
  const waiting = new Map<string, () => void>();
  const begun: string[] = [];

  const childJob = defineJobType({
    name: 'child',
    title: 'Child',
    summary: 'Says a word',
    params: z.strictObject({
      word: z.string().describe('What it says'),
      does: Ending.default('say').describe('How it ends'),
    }),
    result: z.object({ word: z.string() }),
    example: { word: 'hello' },
    queue: 'here',
    steps: ['say'],
    scopes: () => [],
    handler: async ({ word, does }, { step }) => {
      begun.push(word);
      return { word: await step(sayOf(does), word) };
    },
  });

  function sayOf(does: z.output<typeof Ending>) {
    return defineStep<string, string>({
      name: 'say',
      title: 'Saying it',
      share: [0, 90],
      result: z.string(),
      look: async () => undefined,
      act: async (word, { signal }) => {
        if (does === 'fail') throw new NotTonight(`${word} is not said`);
        if (does === 'wait' || does === 'wait-and-fail') {
          await new Promise<void>((resolve) => {
            waiting.set(word, resolve);
            signal.addEventListener('abort', () => resolve());
          });
          signal.throwIfAborted();
        }
        if (does === 'wait-and-fail') throw new NotTonight(`${word} is not said`);
        return word;
      },
      undo: async (word) => `${word} is taken back`,
    });
  }

  const parentJob: JobType = defineJobType({
    name: 'parent',
    title: 'Parent',
    summary: 'Has children say words',
    params: z.strictObject({
      words: z
        .array(
          z.strictObject({
            word: z.string(),
            does: Ending.optional(),
            after: z.array(z.string()).optional(),
          }),
        )
        .default([])
        .describe('One child each'),
      count: z.int().default(0).describe('So many more'),
      thenSay: z.string().optional().describe('A last one says this after the first word'),
      onFailure: z.enum(['continue', 'stop']).default('continue').describe('After a failure'),
    }),
    result: z.object({ last: z.string().optional() }),
    example: { words: [{ word: 'hello' }] },
    queue: 'here',
    isParent: true,
    steps: [],
    scopes: () => [],
    handler: async ({ words, count, thenSay, onFailure }, { children }) => {
      const more = Array.from({ length: count }, (_, at): (typeof words)[number] => ({
        word: `word ${at}`,
      }));
      const wishes = [...words, ...more].map(({ word, does, after }) => ({
        key: word,
        jobType: childJob,
        inputs: { word, ...(does && { does }) },
        ...(after && { after }),
      }));
      const first = await children(wishes, { onFailure });
      if (thenSay === undefined) return {};
      const { word } = (await first.results(0)) as { word: string };
      const inputs = { word: `${word} ${thenSay}` };
      const second = await children([{ key: 'last', jobType: childJob, inputs }]);
      return { last: ((await second.results(0)) as { word: string }).word };
    },
  });

  const siteChildJob = defineJobType({
    name: 'site-child',
    title: 'Child of a site',
    summary: 'Says a word in the queue of a site, without speaking to it',
    params: z.strictObject({
      site: z.string().describe('Name of a configured site'),
      word: z.string().describe('What it says'),
      service: z.string().optional().describe('What it locks'),
      does: Ending.default('say').describe('How it ends'),
    }),
    result: z.object({ word: z.string() }),
    example: { site: 'demo', word: 'hello' },
    queue: 'site',
    steps: ['say'],
    scopes: () => [],
    accept: ({ site, service }) => ({
      locks: service === undefined ? [] : [`${site}:service:${service}`],
      warnings: [],
    }),
    handler: async ({ word, does }, { step }) => {
      begun.push(word);
      return { word: await step(sayOf(does), word) };
    },
  });

  return {
    jobTypes: [childJob, parentJob, siteChildJob],
    /** Words that children have begun with, in order, again after each death. */
    begun,
    letGo: (word: string) => waiting.get(word)?.(),
    isWaiting: (word: string) => waiting.has(word),
  };
}
