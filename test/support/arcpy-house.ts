import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTestPython } from './own-python.ts';

/** Undefined: there is no Python, and the tests are skipped. */
export const testPython = await findTestPython();

const standIn = join(import.meta.dirname, 'arcpy');

type Trouble = {
  noise?: string;
  /** Written to stderr one by one. */
  pieces?: string[];
  /** A process of its own, which does not end by itself. */
  startsAnother?: boolean;
  /** A hang in native code that lets no Python run. */
  holdsLock?: boolean;
  reads?: boolean;
  raises?: 'RuntimeError' | 'OSError' | 'ImportError' | 'ENOSPC';
  text?: string;
  hang?: boolean;
  exit?: number;
  crash?: boolean;
  growMiB?: number;
  /** The trouble comes once: the file is made then. */
  onceFile?: string;
};

/** What the stand-in of ArcPy shall do; see test/support/arcpy/arcpy/_scenario.py. */
export type Scenario = {
  version?: string;
  productName?: string;
  productInfo?: string;
  extensions?: Record<string, string>;
  trouble?: Partial<Record<'import' | 'open' | 'draft' | 'stage' | 'tool', Trouble>>;
  staging?: {
    messages?: [severity: number, text: string][];
    leavesHalf?: boolean;
    /** Cut off the end of the definition. */
    cutsBytes?: number;
    writes?: string;
  };
  analysis?: Record<string, [text: string, code: number, layers: string[] | null][]>;
  registered?: string[];
  offlineCopies?: boolean;
  secretInDraft?: string;
  hasLegacyImageDrafts?: boolean;
  /** Properties that take a list and no text. */
  wantsLists?: string[];
};

export type ArcpyCall = { call: string; pid: number; [fact: string]: unknown };

/** A scenario in a folder, and what comes of it: the variables for Python, and the calls that were made. */
export async function openScenario(folder: string, first: Scenario = {}) {
  const file = join(folder, 'scenario.json');
  const calls = join(folder, 'calls.jsonl');
  /** Calls are counted anew. */
  const play = async (scenario: Scenario) => {
    await rm(calls, { force: true });
    await writeFile(file, JSON.stringify({ ...scenario, calls }));
  };
  await play(first);
  return {
    play,
    env: { ...process.env, PYTHONPATH: standIn, PRESSROOM_TEST_ARCPY: file } as NodeJS.ProcessEnv,
    async calls(name?: string): Promise<ArcpyCall[]> {
      const text = await readFile(calls, 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => line !== '');
      const all = lines.map((line) => JSON.parse(line) as ArcpyCall);
      return name === undefined ? all : all.filter(({ call }) => call === name);
    },
  };
}
