import { analyzerErrors, describeFinding } from './analyzer-findings.ts';
import {
  errorTexts,
  type FailureEvidence,
  fact,
  firstErrorId,
  isRefusedBy,
  type Told,
} from './failure-evidence.ts';
import {
  listOf,
  noLogText,
  quote,
  reasonInLog,
  said,
  sentences,
  serviceOf,
  sizeOf,
  when,
} from './failure-words.ts';

// What is said when the site could not make a service of a definition.

export function dataOutOfReach(it: FailureEvidence): Told {
  const datasets = listOf(it.definition?.datasets ?? [], 'its data');
  const through = listOf((it.definition?.connections ?? []).map(quote), '');
  const { path, differsIn } = it.nearestItem ?? { path: '', differsIn: [] };
  return {
    cause: sentences(
      `The site cannot reach the data that ${serviceOf(it)} refers to: ${datasets}${when(through, ` through ${through}`)}.`,
      when(
        path,
        `Nearest registered item: ${path}, which ${differsIn.length > 0 ? `differs in ${listOf(differsIn, '')}` : 'looks the same'}.`,
      ),
      when(isRefusedBy(it, 'unregistered_data'), 'Nothing was sent to the site.'),
    ),
    certainty: 'documented',
    again: 'never',
    nextStep: path
      ? `Register exactly this connection on ${it.site}, or correct ${path}, then retry.`
      : `Register exactly this connection on ${it.site}, then retry.`,
    alternatives: [
      'Registered all the same: the account that ArcGIS Server runs as cannot read it; validate the item.',
      'One machine of several cannot reach it: validate the item on each machine.',
    ],
  };
}

export function serviceNotStarted(it: FailureEvidence): Told {
  const line = reasonInLog(it);
  const level = fact(it, 'logLevel') || 'WARNING';
  const isTimeout = line !== undefined && /\btimed?[ -]?out\b/i.test(line.message);
  const silent = it.logsUnreadable
    ? `${noLogText(it)}.`
    : `The site logged no reason at level ${level}.`;
  const left = it.liveService?.isListed
    ? `A service of that name is listed there now.`
    : 'No service of that name is known to be left there.';
  return {
    cause: sentences(
      `${it.site} could not create ${serviceOf(it)}: most often it was made and its instance does not start.`,
      line ? `The log says: ${said(line.message)}` : silent,
      left,
    ),
    certainty: 'most often',
    again: isTimeout ? 'now' : 'never',
    nextStep: nextStepAfterStart(it, line !== undefined, isTimeout),
    alternatives: [
      'A missing extension or licence: look at the licences of each machine.',
      'A broken layer or data that are not supported: open the map where it was made.',
      'A start longer than maxStartupTime of the service, or a machine without memory.',
    ],
  };
}

function nextStepAfterStart(it: FailureEvidence, hasReason: boolean, isTimeout: boolean): string {
  if (isTimeout)
    return 'Retry once; if it takes too long again, raise maxStartupTime in the draft.';
  if (hasReason) return 'Mend what that line names, then retry.';
  return it.logsUnreadable
    ? `Give the account of sites.${it.site}.auth a privilege that may read the log, then retry.`
    : `Set the log level of ${it.site} to INFO, then retry.`;
}

export function unspecifiedError(it: FailureEvidence): Told {
  const text = errorTexts(it).find((one) => one.includes('999999')) ?? '';
  const triedAlone = it.error?.facts?.wasTriedAlone === true;
  return {
    cause: sentences(
      `The site gave its unspecified error: ${said(text)}`,
      it.otherJobs
        ? `It ran beside ${it.otherJobs} other jobs: most often they were in each other's way.`
        : 'Most often a fault that has no number of its own; sometimes it passes.',
      when(triedAlone, 'It was tried again alone and failed again.'),
    ),
    certainty: 'most often',
    again: triedAlone ? 'never' : 'now',
    nextStep: triedAlone
      ? `Look at the log lines of this job for the first that does not come from PublishingTools, and at the free disk space of ${it.site}.`
      : `Retry once while nothing else is published on ${it.site}.`,
  };
}

export function serviceExists(it: FailureEvidence): Told {
  const isCertain = isRefusedBy(it, 'service_exists');
  const published = fact(it, 'published');
  return {
    cause: sentences(
      `${isCertain ? '' : 'Most often a matter of names: '}${serviceOf(it)} exists on ${it.site} already${when(published, `, published ${published}`)}.`,
      when(isCertain, 'Nothing was changed.'),
    ),
    certainty: isCertain ? 'documented' : 'most often',
    again: 'never',
    nextStep: 'Send ifExists=replace to replace it in place, or another serviceName.',
  };
}

export function licenceMissing(it: FailureEvidence): Told {
  const findings = analyzerErrors(it).map(describeFinding);
  const words = errorTexts(it).find((text) => text.includes('valid license')) ?? '';
  const machine = it.logLines.find((line) => line.machine)?.machine;
  return {
    cause: sentences(
      `The site ${it.site} lacks a licence; the map is fine.`,
      findings.length > 0 ? `${findings.join('; ')}.` : quote(words),
    ),
    certainty: 'documented',
    again: 'never',
    nextStep: `Let an administrator license the product or extension on ${machine ?? `every machine of ${it.site}`}; /admin/system/licenses shows what ends when.`,
  };
}

export function stagingFailed(it: FailureEvidence): Told {
  const failed = firstErrorId(it) === '001270' ? 'gathered' : 'packed';
  const worker = fact(it, 'machine');
  const folder = fact(it, 'folder') || 'the temporary folder';
  const freeBytes = it.error?.facts?.freeBytes;
  const free = typeof freeBytes === 'number' ? `${sizeOf(freeBytes)} free in ${folder}.` : '';
  return {
    cause: sentences(
      `The data could not be ${failed} on the worker${when(worker, ` ${worker}`)}.`,
      free,
      'Nothing was sent to the site.',
    ),
    certainty: 'documented',
    again: 'later',
    nextStep: `Make room in ${folder} of the worker, then retry.`,
    alternatives: [
      'The data are locked or cannot be read: open them as the account of the worker.',
      'A path that is too long, or a virus scanner that holds the files.',
    ],
  };
}

/** The name in `Folder/Name.Type`. */
