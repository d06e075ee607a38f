import {
  type FailureEvidence,
  fact,
  factList,
  hasNoIdBut,
  httpStatusOf,
  isAt,
  isRefusedBy,
  redirectTargetOf,
  type Told,
} from './failure-evidence.ts';
import { accountOf, listOf, quote, sentences, serviceOf, sizeOf, when } from './failure-words.ts';

// What is said when a request did not get through to the site, or our account did not.

export function tokenEnded(it: FailureEvidence): Told {
  const wasRenewed = hasTriedNewLogin(it);
  return {
    cause: sentences(
      `The site ended our session during the step ${it.step}.`,
      when(wasRenewed, 'A new login was made and the step was refused again.'),
    ),
    certainty: 'documented',
    again: wasRenewed ? 'never' : 'now',
    nextStep: wasRenewed
      ? `Compare the clocks of ${it.site} and of Pressroom, and the referer that the token is bound to.`
      : 'Retry the job: it begins with one new login.',
    alternatives: [
      `If this returns at the start of calls, the token is bound to another referer: see sites.${it.site}.auth.`,
    ],
  };
}

/** A request whose token is refused is repeated once with a new login before it fails at all. */
function hasTriedNewLogin(it: FailureEvidence): boolean {
  return it.error?.facts?.loginWasRenewed !== false;
}

export function loginRefused(it: FailureEvidence): Told {
  return {
    cause: `${it.site} refused ${accountOf(it)}: the user name or the password is not accepted.`,
    certainty: 'documented',
    again: 'never',
    nextStep: `Renew the secret that sites.${it.site}.auth.password names. Until then the jobs of this site are held, for repeated tries can lock the account.`,
    alternatives: [
      'A locked account: look at it in the store of users before renewing anything.',
      'A user of another identity store, or a name in another case: compare it with the last good login.',
      `A portal account without built-in login: see which token service sites.${it.site}.auth.via asks.`,
    ],
  };
}

export function tokenNotSeen(it: FailureEvidence): Told {
  return {
    cause:
      'The site saw no token although one was sent: most often a proxy or a redirect before it removes the token.',
    certainty: 'most often',
    again: hasTriedNewLogin(it) ? 'never' : 'now',
    nextStep: `Set sites.${it.site}.adminUrl to the direct address of the site (port 6443), then retry.`,
  };
}

export function tokenBoundToAddress(): Told {
  return {
    cause:
      'The token was bound to an IP address, and a Web Adaptor or load balancer changes it. This is a defect of Pressroom, which uses referer tokens.',
    certainty: 'documented',
    again: 'never',
    nextStep: 'Report the id of this job to those who maintain Pressroom.',
  };
}

export function privilegeMissing(it: FailureEvidence): Told {
  const needsAdministrator = it.privilege === 'PUBLISH' && needsMoreThanPublisher(it);
  const need = needsAdministrator
    ? 'ADMINISTER: since 10.4 only administrators publish geoprocessing services and extensions'
    : 'at least PUBLISH';
  const grant = needsAdministrator
    ? 'Let an administrator set the server property allowGPAndExtensionPublishingToPublishers to true, or configure an administrator account'
    : `Let an administrator grant ${accountOf(it)} the privilege PUBLISH (on a federated site: a role that may publish server services)`;
  return {
    cause: sentences(
      `Most often a matter of rights: ${accountOf(it)} ${it.privilege ? `is ${it.privilege}` : 'has a privilege that could not be read'} on ${it.site}; the step ${it.step} needs ${need}.`,
      'Nothing was changed by the refused call.',
    ),
    certainty: 'most often',
    again: 'never',
    nextStep: `${grant} for sites.${it.site}.auth.username, then retry.`,
    alternatives: [
      'The item belongs to another user: compare its owner with the account.',
      'PublishingTools is restricted to a role: look at its permissions.',
    ],
  };
}

/** Server object extensions count as code of their own; which extensions those are the site decides. */
export function needsMoreThanPublisher(it: FailureEvidence): boolean {
  return it.definition?.type === 'GPServer';
}

export function siteIsReadOnly(it: FailureEvidence): Told {
  return {
    cause: sentences(
      `${it.site} is read-only${when(fact(it, 'since'), ` since ${fact(it, 'since')}`)}.`,
      'Publishing waits until it can be edited again.',
    ),
    certainty: 'documented',
    again: 'later',
    nextStep: `Retry when /admin/mode of ${it.site} says EDITABLE.`,
  };
}

export function siteIsUpgrading(it: FailureEvidence): Told {
  return {
    cause: `${it.site} is being upgraded.`,
    certainty: 'documented',
    again: 'later',
    nextStep: `Retry when /admin/upgrade of ${it.site} says that it is done; the definition is checked against the new version first.`,
  };
}

export function siteIsBusy(it: FailureEvidence): Told {
  return {
    cause: sentences(
      `${it.site} is busy with another administrative operation${when(fact(it, 'since'), ` since ${fact(it, 'since')}`)}: another publish, an edit in Manager, a backup, a machine joining.`,
      when(fact(it, 'attempts'), `Pressroom tried ${fact(it, 'attempts')} times.`),
    ),
    certainty: 'documented',
    again: 'later',
    nextStep: `Retry later and without hurry, for more writes make it worse. If it stays so, let an administrator look for a stuck operation on ${it.site}.`,
  };
}

export function uploadCutOff(it: FailureEvidence): Told {
  const status = httpStatusOf(it);
  const size = it.definition ? sizeOf(it.definition.sizeBytes) : 'the file';
  const answered = status === undefined ? '' : ` It answered ${status}: ${firstWords(it)}`;
  return {
    cause: sentences(
      `Most often a limit of a web server, Web Adaptor or proxy in front of ArcGIS Server: ${size} did not get through.${answered}`,
      when(it.serverHeader, `It calls itself ${it.serverHeader}.`),
    ),
    certainty: 'most often',
    again: status === undefined ? 'now' : 'never',
    nextStep: `Set sites.${it.site}.adminUrl to the direct address of the site (port 6443), or raise the limit for the size of a request.`,
    ...(status === undefined && {
      alternatives: ['The line was cut by chance: retry once; a limit cuts it at the same size.'],
    }),
  };
}

function firstWords(it: FailureEvidence): string {
  const words = quote(fact(it, 'answerExcerpt') || (it.error?.siteMessages ?? []).join(' '));
  return words || 'no words, only a status.';
}

export function certificateNotTrusted(it: FailureEvidence): Told {
  const { names = [], issuer = '', validTo = '' } = it.certificate ?? {};
  return {
    cause: sentences(
      `The certificate of ${it.site} is not accepted.`,
      `It is for ${listOf(names, 'names that could not be read')}${when(issuer, ` by ${issuer}`)}${when(validTo, `, valid to ${validTo}`)}.`,
      'Most often it is the self-signed one that ArcGIS Server comes with.',
    ),
    certainty: 'most often',
    again: 'never',
    nextStep: `Put the issuer of the certificate into sites.${it.site}.tls.ca, or address the host by a name of the certificate.`,
    alternatives: ['It has expired: compare its last day with today.'],
  };
}

export function webTierLogin(it: FailureEvidence): Told {
  return {
    cause: `The web server before ${it.site} asks for a Windows or certificate login, which Pressroom does not do. ArcGIS Server itself does not answer with 401.`,
    certainty: 'documented',
    again: 'never',
    nextStep: `Set sites.${it.site}.adminUrl to the direct address (port 6443) and use a built-in account.`,
  };
}

export function administrationSwitchedOff(it: FailureEvidence): Told {
  return {
    cause: `Administration does not answer at this address of ${it.site}, although its services may: most often its Web Adaptor was registered without administrative access.`,
    certainty: 'most often',
    again: 'never',
    nextStep: `Set sites.${it.site}.adminUrl to the direct address of the site.`,
  };
}

export function redirected(it: FailureEvidence): Told {
  return {
    cause: `${it.site} redirects to ${redirectTargetOf(it) || 'another address'}, and a request loses its body on the way.`,
    certainty: 'documented',
    again: 'never',
    nextStep: `Write the address that it redirects to into sites.${it.site}.url or adminUrl, whichever was asked.`,
  };
}

export function extensionNotAllowed(it: FailureEvidence): Told {
  const extension = fact(it, 'extension') || 'sd';
  return {
    cause: `${it.site} accepts uploads of ${listOf(factList(it, 'allowedExtensions'), 'no kind')}; ${extension} is not among them.`,
    certainty: 'documented',
    again: 'never',
    nextStep: `Let an administrator add ${extension} to the list of file extensions in the server properties (uploadFileExtensionAllowedList, before 10.9 uploadFileExtensionWhitelist).`,
  };
}

export function uploadItemGone(): Told {
  return {
    cause:
      'The site had removed the upload item itself, as it does after a publish that succeeded.',
    certainty: 'documented',
    again: 'never',
    nextStep: 'Nothing has to be done: this is not an error.',
  };
}

export function resourceNotFound(it: FailureEvidence): Told {
  const closest = fact(it, 'closest');
  return {
    cause: sentences(
      `${fact(it, 'url') || serviceOf(it)} does not exist on ${it.site}${it.step === 'verify' ? ' yet' : ''}.`,
      when(closest, `The nearest name there is ${closest}.`),
    ),
    certainty: 'documented',
    again: it.step === 'verify' ? 'look' : 'never',
    nextStep: `Look for it in the list of services of ${it.site}, in all folders and without regard to case.`,
    alternatives: [
      'The list of services in REST is cached: clear its cache and look again.',
      'PublishingTools was stopped or renamed: look at its state.',
    ],
  };
}

/** Nothing was made, and since 10.4 an administrator would have been needed to make it. */
export function isBeyondPublisher(it: FailureEvidence): boolean {
  return (
    isAt(it, 'submit', 'await') &&
    isRefusedBy(it, 'site_error', 'publishing_failed') &&
    hasNoIdBut(it, '001369') &&
    it.liveService?.isListed !== true &&
    it.privilege === 'PUBLISH' &&
    needsMoreThanPublisher(it)
  );
}
