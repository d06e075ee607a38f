import * as access from './access-failures.ts';
import { analyzerErrors, copyCodes, findingsOf } from './analyzer-findings.ts';
import * as definition from './definition-failures.ts';
import {
  type FailureEvidence,
  type FailureRow,
  firstErrorId,
  hasNoIdBut,
  isArcMap,
  isAt,
  isRefusedBy,
  isSiteFrom,
  says,
  siteCodeOf,
  siteJobFailed,
  startedInVain,
} from './failure-evidence.ts';
import * as outcome from './outcome-failures.ts';
import * as publishing from './publishing-failures.ts';

const publishSteps = ['submit', 'await'];

/**
 * What was refused beforehand, and the first error id of the chain, with rows that know more than "could not be
 * created" before that one.
 */
export const errorIdRows: readonly FailureRow[] = [
  {
    row: 26,
    matches: (it) => ['001270', '001269'].includes(firstErrorId(it) ?? ''),
    explain: publishing.stagingFailed,
  },
  {
    row: 27,
    matches: (it) => firstErrorId(it) === '001364',
    explain: definition.definitionDamaged,
  },
  {
    row: 25,
    matches: (it) =>
      says(it, 'The machine does not have a valid license') ||
      hasOnlyFindings(it, '00147', '00144'),
    explain: publishing.licenceMissing,
  },
  {
    row: 19,
    matches: (it) =>
      hasOnlyFindings(it, '00396') || (isRefusedBy(it, 'incompatible_runtime') && !isArcMap(it)),
    explain: definition.tooNewForSite,
  },
  {
    row: 13,
    matches: (it) => firstErrorId(it) === '001272',
    explain: definition.analyzerRefused,
  },
  {
    row: 1,
    matches: (it) => firstErrorId(it) === '001487' || isRefusedBy(it, 'unregistered_data'),
    explain: publishing.dataOutOfReach,
  },
  {
    row: 4,
    matches: (it) => firstErrorId(it) === '999999',
    explain: publishing.unspecifiedError,
  },
  {
    row: 20,
    matches: (it) =>
      isRefusedBy(it, 'hosted_definition') ||
      (it.definition?.isHosted === true && siteJobFailed(it) && hasNoIdBut(it, '001369')),
    explain: definition.hostedLayer,
  },
  {
    row: 18,
    matches: (it) =>
      isArcMap(it) &&
      (isRefusedBy(it, 'incompatible_runtime') ||
        (isSiteFrom(it, '10.9.1') && (firstErrorId(it) === '001369' || startedInVain(it)))),
    explain: definition.madeWithArcMap,
  },
  {
    row: 24,
    matches: (it) =>
      it.blockDataCopy === true &&
      (it.definition?.copiedDatasets ?? []).length > 0 &&
      (isRefusedBy(it, 'copied_data_refused') || (siteJobFailed(it) && hasNoIdBut(it, '001369'))),
    explain: definition.copyingBlocked,
  },
  {
    row: 14,
    matches: (it) =>
      isRefusedBy(it, 'copied_data_refused') ||
      (hasNoIdBut(it, '002893') &&
        !siteJobFailed(it) &&
        findingsOf(it).some(({ code }) => copyCodes.includes(code))),
    explain: definition.dataWouldBeCopied,
  },
  {
    row: 48,
    matches: (it) =>
      /\W|^.{121}/s.test(definition.serviceNameOf(it)) &&
      it.liveService?.isListed !== true &&
      isAt(it, 'check', 'configure', 'folder', 'submit', 'await') &&
      (isRefusedBy(it, 'site_error', 'publishing_failed', 'validation_error') ||
        siteJobFailed(it)) &&
      hasNoIdBut(it, '001369') &&
      siteCodeOf(it) !== 403,
    explain: definition.nameNotValid,
  },
  {
    row: 50,
    matches: (it) =>
      it.replaceMethod !== undefined &&
      it.liveService?.configuredState === 'STOPPED' &&
      it.liveService.wasReplaced === false &&
      isAt(it, 'submit', 'await', 'verify') &&
      hasNoIdBut(it, '001369'),
    explain: outcome.replacementFailed,
  },
  {
    row: 51,
    matches: (it) =>
      it.hasNothingToReplace === true &&
      isAt(it, ...publishSteps) &&
      siteJobFailed(it) &&
      hasNoIdBut(it, '001369'),
    explain: definition.nothingToReplace,
  },
  {
    row: 2,
    matches: (it) => firstErrorId(it) === '001369' && !access.isBeyondPublisher(it),
    explain: publishing.serviceNotStarted,
  },
];

/** Findings are the cause only if no other error of the analyzers stands beside them. */
function hasOnlyFindings(it: FailureEvidence, ...codes: string[]): boolean {
  const errors = analyzerErrors(it);
  return errors.length > 0 && errors.every(({ code }) => codes.includes(code));
}
