import { z } from 'zod';
import { GatewayError } from '../../lib/errors.ts';
import type { FailureEvidence } from '../../sites/failure-explainer.ts';
import { listOutstandingSiteJobs } from '../../sites/publishing.ts';
import {
  readAllowedUploadExtensions,
  readMachines,
  readPublishingTools,
} from '../../sites/site-reader.ts';
import type { Publishing } from './publishing-context.ts';

type Failure = {
  step: string;
  /** What the failure itself tells. */
  facts: Record<string, unknown>;
  siteJobId?: string;
  /** The site said no in its own words; else the line or something before the site is at fault. */
  isRefusal: boolean;
};

type Circumstances = Pick<FailureEvidence, 'otherJobs' | 'certificate'> & {
  facts: Record<string, unknown>;
};

const Certificate = z.looseObject({
  names: z.array(z.string()),
  issuer: z.string(),
  validTo: z.string(),
});

/**
 * What explains a failure and is not told with it. Each is looked for only where it may be the reason, and
 * is left out where it cannot be read.
 */
export async function readCircumstances(
  publishing: Publishing,
  failure: Failure,
  signal: AbortSignal,
): Promise<Circumstances> {
  const { step, facts, isRefusal } = failure;
  const { data: certificate } = Certificate.safeParse(facts.certificate);
  const isAtPublish = step === 'submit' || step === 'await';
  return {
    ...(certificate && { certificate }),
    ...(isAtPublish && (await readOtherWork(publishing, failure, signal))),
    facts: {
      ...(isAtPublish && (await readToolsState(publishing, signal))),
      ...(step === 'upload' && isRefusal && (await readExtensions(publishing, signal))),
    },
  };
}

/** Names of the machines that somebody has to look at. */
export async function readMachineNames(
  { site }: Publishing,
  signal: AbortSignal,
): Promise<string[]> {
  const machines = await orNothing(readMachines(site, { signal }));
  return (machines ?? []).map(({ machineName }) => machineName);
}

async function readOtherWork(
  { site }: Publishing,
  { siteJobId }: Failure,
  signal: AbortSignal,
): Promise<{ otherJobs?: number }> {
  const jobs = await orNothing(listOutstandingSiteJobs(site, { signal }));
  return jobs ? { otherJobs: jobs.filter((job) => job.siteJobId !== siteJobId).length } : {};
}

async function readToolsState({ site }: Publishing, signal: AbortSignal) {
  const tools = await orNothing(readPublishingTools(site, { signal }));
  return tools && { publishingToolsState: tools.realTimeState };
}

async function readExtensions({ site }: Publishing, signal: AbortSignal) {
  const allowedExtensions = await orNothing(readAllowedUploadExtensions(site, { signal }));
  return allowedExtensions && { allowedExtensions, extension: 'sd' };
}

/** A circumstance that cannot be read explains nothing, and hides no failure. */
async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
