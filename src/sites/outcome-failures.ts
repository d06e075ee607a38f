import {
  type FailureEvidence,
  fact,
  factList,
  firstErrorId,
  type Told,
} from './failure-evidence.ts';
import {
  durationOf,
  listOf,
  liveStateOf,
  quote,
  said,
  sentences,
  serviceOf,
  sizeOf,
  when,
} from './failure-words.ts';

// What is said when a site job does not end as it should, or the service is not what was published.

export function siteJobWaits(it: FailureEvidence): Told {
  const behind =
    it.otherJobs === undefined
      ? 'other jobs'
      : `${it.otherJobs} other ${it.otherJobs === 1 ? 'job' : 'jobs'}`;
  const state = fact(it, 'publishingToolsState');
  return {
    cause: sentences(
      `Our job still waits on ${it.site} behind ${behind}${it.elapsedMs === undefined ? '' : ` after ${durationOf(it.elapsedMs)}`}: the instances of PublishingTools are in use or not running.`,
      when(state, `PublishingTools is ${state}.`),
    ),
    certainty: 'documented',
    again: 'later',
    nextStep: `Look at the jobs of PublishingTools on ${it.site}: let the oldest end, cancel it if it is stuck, or start PublishingTools if it is stopped; then retry.`,
  };
}

export function siteJobTimedOut(it: FailureEvidence): Told {
  const limit = it.maxUsageTimeSeconds;
  const size = it.definition ? ` of ${sizeOf(it.definition.sizeBytes)}` : '';
  const verb =
    it.jobStatus === 'esriJobTimedOut' ? 'stopped the publish' : 'did not end the publish';
  return {
    cause: sentences(
      `${it.site} ${verb}${it.elapsedMs === undefined ? '' : ` after ${durationOf(it.elapsedMs)}`}${limit === undefined ? '' : `; its limit is ${limit} s`}.`,
      `Most often the definition${size} is large because it copies data; else an instance or a database hangs.`,
      `The service is now: ${liveStateOf(it)}.`,
    ),
    certainty: 'most often',
    again: 'look',
    nextStep:
      'Look at the service first, for the site may still finish. Then raise maxUsageTime of PublishingTools, or refer to the data instead of copying them.',
  };
}

export function siteJobForgotten(it: FailureEvidence): Told {
  const what = it.siteJobId
    ? `${it.site} no longer knows the job ${it.siteJobId}: most often its folder of jobs was cleaned (by default after 6 hours) or PublishingTools was started again.`
    : `${it.site} used up the uploaded definition and shows no job that did it, so how publishing ended cannot be asked: most often our account may not see the site's jobs.`;
  return {
    cause: `${what} The service is now: ${liveStateOf(it)}.`,
    certainty: 'most often',
    again: 'look',
    nextStep: `Decide by ${serviceOf(it)}: if it is not the one of this job, retry.`,
    alternatives: [
      'The job belongs to another account: see whether sites.auth was changed meanwhile.',
    ],
  };
}

export function successWithoutService(it: FailureEvidence): Told {
  const found = factList(it, 'foundIn');
  const wasSearched = it.error?.facts?.foundIn !== undefined;
  return {
    cause: sentences(
      `${it.site} reported success but ${serviceOf(it)} is not there.`,
      wasSearched
        ? `A service of that name was found ${found.length > 0 ? `in ${listOf(found, '')}` : 'nowhere'}.`
        : '',
      'This counts as failed.',
    ),
    certainty: 'documented',
    again: 'look',
    nextStep: `Look for the name in all folders of ${it.site} after clearing the cache of REST; if it is nowhere, retry once.`,
  };
}

export function serviceDoesNotRun(it: FailureEvidence): Told {
  const machine = it.logLines.find((line) => line.machine)?.machine;
  const seconds = fact(it, 'maxStartupTimeSeconds');
  const putBack = fact(it, 'putBack');
  const [line] = it.logLines.filter(({ source }) => source === it.service);
  return {
    cause: sentences(
      `${serviceOf(it)} ${it.step === 'verify' ? 'is published but does' : 'does'} not run${when(machine, ` on ${machine}`)}: most often its start failed or took longer than ${seconds ? `${seconds} s` : 'maxStartupTime'}.`,
      line ? `The log says: ${said(line.message)}` : '',
      when(putBack, `Put back: ${putBack}.`),
    ),
    certainty: 'most often',
    again: 'look',
    nextStep: putBack
      ? `${line ? 'Mend what that line names' : `Look into the log of ${it.site} at level INFO`}, then retry; with a longer maxStartupTime in overrides, if it only needs more time.`
      : 'Look at it until maxStartupTime of the service has passed; then start it once.',
    alternatives: [
      'A machine without memory, or one of several that cannot start it: compare them.',
      'Its data are gone: validate the items that it refers to.',
    ],
  };
}

export function dataUnreadable(it: FailureEvidence): Told {
  const layers = listOf(factList(it, 'layers'), 'some of its layers');
  const through = listOf((it.definition?.connections ?? []).map(quote), 'their data');
  const [words = it.error?.message ?? ''] = it.error?.siteMessages ?? [];
  return {
    cause: sentences(
      `${serviceOf(it)} runs, but ${layers} cannot read ${through}: ${said(words)}`,
      'Its state and its list of layers look healthy, for they do not touch data.',
      'Most often a password was changed, a table renamed or a share moved.',
    ),
    certainty: 'most often',
    again: 'later',
    nextStep: `Make the data readable for ${it.site} again, restart the service, then retry.`,
  };
}

export function fewerThanDefined(it: FailureEvidence): Told {
  const missing = listOf(factList(it, 'layers'), '');
  const putBack = fact(it, 'putBack');
  return {
    cause: sentences(
      `${serviceOf(it)} was published and shows ${fact(it, 'shown')} of the ${fact(it, 'expected')} layers, tables or tasks of its definition${when(missing, `; missing: ${missing}`)}.`,
      `${it.site} reported success and gave no reason. This counts as failed, for who uses them would get an error.`,
      when(putBack, `Put back: ${putBack}.`),
    ),
    certainty: 'documented',
    again: 'look',
    nextStep: `Open what is missing where the definition was made, see whether ${it.site} can read its data, stage the definition anew and publish that.`,
    alternatives: [
      'REST still shows what was there before: clear the cache of REST, then retry once.',
      'What is missing is not wanted: take it out of the map, or publish with verify=started.',
    ],
  };
}

export function replacementFailed(it: FailureEvidence): Told {
  const putBack = fact(it, 'putBack');
  return {
    cause: sentences(
      `The replacement failed at the step ${it.step}. ${serviceOf(it)} is now: ${liveStateOf(it)}.`,
      'Most often a running instance still held files of the old service, or its stop had not ended.',
      when(putBack, `Put back: ${putBack}.`),
    ),
    certainty: 'most often',
    again: 'look',
    nextStep: 'Wait until the old service has really stopped, then retry once.',
  };
}

export function siteLooksIll(it: FailureEvidence): Told {
  const machines = listOf(factList(it, 'machines'), `the machines of ${it.site}`);
  const within = it.error?.facts?.withinMs;
  return {
    cause: `${fact(it, 'recentFailures')} services of ${it.site} failed${typeof within === 'number' ? ` within ${durationOf(within)}` : ''} in the step ${it.step}. Most often that is the site, not the definitions: its jobs are held for a while.`,
    certainty: 'most often',
    again: 'later',
    nextStep: `Look at disk space, shares and the config store of ${machines}; then release the jobs of ${it.site}.`,
  };
}

export function notRecognised(it: FailureEvidence): Told {
  const texts = [
    ...it.messages.filter(({ type }) => /error|abort|warning/i.test(type)).map(({ text }) => text),
    ...(it.error?.siteMessages ?? []),
  ];
  const words = [...new Set(texts.map(quote))].filter((text) => text !== '').slice(0, 6);
  const own = it.error ? quote(it.error.message) : '';
  const id = firstErrorId(it);
  const what =
    words.length > 0 ? `The site said: ${words.join(' | ')}` : own || 'The site said nothing.';
  return {
    cause: `Not recognised${id ? ` (error ${id})` : ''}. ${what}`,
    certainty: 'not recognised',
    again: 'look',
    nextStep: `Look at ${serviceOf(it)} on ${it.site} and read the words and log lines shown here before retrying.`,
  };
}
