import { analyzerErrors, describeFinding } from './analyzer-findings.ts';
import {
  type FailureEvidence,
  fact,
  isRefusedBy,
  isSiteFrom,
  type Told,
} from './failure-evidence.ts';
import { copiedDataOf, listOf, quote, sentences, when } from './failure-words.ts';

// What is said when the definition itself does not suit the site.

export function madeWithArcMap(it: FailureEvidence): Told {
  const version = it.version ? ` (${it.version})` : '';
  if (isSiteFrom(it, '11') || isRefusedBy(it, 'incompatible_runtime')) {
    return {
      cause: sentences(
        `This definition was made with ArcMap; ${it.site}${version} runs only services from ArcGIS Pro.`,
        when(isRefusedBy(it, 'incompatible_runtime'), 'Nothing was uploaded.'),
      ),
      certainty: 'documented',
      again: 'never',
      nextStep: 'Open the map in ArcGIS Pro and make the definition anew.',
    };
  }
  return {
    cause: `This definition was made with ArcMap, and most often a start that fails at 10.9.1 means that ${it.site} was installed without the optional ArcMap Runtime Support.`,
    certainty: 'most often',
    again: 'never',
    nextStep: `Install ArcMap Runtime Support on the machines of ${it.site}, or make the definition anew in ArcGIS Pro.`,
  };
}

export function tooNewForSite(it: FailureEvidence): Told {
  const findings = analyzerErrors(it).filter(({ code }) => code === '00396');
  const target = fact(it, 'target');
  return {
    cause: sentences(
      `The definition is made for a newer ArcGIS Server than ${it.site}${when(it.version, ` (${it.version})`)}${when(target, `: its target is ${target}`)}.`,
      ...findings.map((finding) => `${describeFinding(finding)}.`),
    ),
    certainty: 'documented',
    again: 'never',
    nextStep: `Draft it again for the version of ${it.site} as its target, or with compatible field types (no big integer, date-only, time-only or timestamp-offset fields).`,
  };
}

export function hostedLayer(it: FailureEvidence): Told {
  const isCertain = isRefusedBy(it, 'hosted_definition');
  return {
    cause: sentences(
      `This definition holds a hosted layer: ${isCertain ? 'it' : 'most often it'} belongs to a portal with a hosting server, not to ${it.site}.`,
      when(isCertain, 'Nothing was uploaded.'),
    ),
    certainty: isCertain ? 'documented' : 'most often',
    again: 'never',
    nextStep: 'Share the map to a server instead of the portal, or publish it through the portal.',
  };
}

export function copyingBlocked(it: FailureEvidence): Told {
  const isCertain = isRefusedBy(it, 'copied_data_refused');
  return {
    cause: `${isCertain ? '' : 'Most often this: '}${it.site} does not allow data to be copied in (blockDataCopy), and these are inside the definition: ${copiedDataOf(it)}.`,
    certainty: isCertain ? 'documented' : 'most often',
    again: 'never',
    nextStep: `Register the source of the data on ${it.site} and make the definition with the data by reference.`,
  };
}

export function dataWouldBeCopied(it: FailureEvidence): Told {
  const connection = listOf((it.definition?.connections ?? []).map(quote), '');
  const item = it.nearestItem?.path ?? '';
  return {
    cause: sentences(
      `${copiedDataOf(it)} would be copied to ${it.site}: the service would show the data as of today for ever.`,
      when(item, `Registered is ${item}${when(connection, `, the map uses ${connection}`)}.`),
    ),
    certainty: 'documented',
    again: 'never',
    nextStep:
      'Register exactly the connection that the map uses and make the definition anew, or send copiedData=allow.',
  };
}

export function analyzerRefused(it: FailureEvidence): Told {
  const findings = analyzerErrors(it).map(describeFinding);
  return {
    cause: sentences(
      `The analyzers found errors: ${findings.length > 0 ? findings.join('. ') : 'their list could not be read'}.`,
      'Nothing was sent to the site.',
    ),
    certainty: 'documented',
    again: 'never',
    nextStep: 'Mend each of these in the map, then make the definition anew.',
  };
}

export function definitionDamaged(it: FailureEvidence): Told {
  const { uploadDigestMatches: isIntact, manifestWasRewritten: wasEdited } = it;
  const sent = isIntact === undefined ? 'not known' : isIntact ? 'yes' : 'no';
  const edited = wasEdited === undefined ? 'not known' : wasEdited ? 'yes' : 'no';
  return {
    cause: sentences(
      `${it.site} holds the definition for damaged.`,
      `Bytes sent match ours: ${sent}. Edited by Pressroom: ${edited}.`,
      when(
        wasEdited && isIntact !== false,
        'Most often it is the edit that the site does not accept.',
      ),
    ),
    certainty: wasEdited && isIntact !== false ? 'most often' : 'documented',
    again: isIntact === false ? 'now' : 'never',
    nextStep: nextStepForDamage(it),
  };
}

function nextStepForDamage({ site, uploadDigestMatches, manifestWasRewritten }: FailureEvidence) {
  if (uploadDigestMatches === false) return 'Retry once: the definition is uploaded anew.';
  return manifestWasRewritten
    ? `Send a definition staged for replacement, or set sites.${site}.replaceMethod.`
    : 'Make the definition anew: the file is damaged, or made for another version.';
}

export function nothingToReplace(it: FailureEvidence): Told {
  const service = it.service ?? 'this service';
  return {
    cause: `The definition was staged to replace a service, and ${it.site} had no ${service}: most often that is why the site made nothing of it.`,
    certainty: 'most often',
    again: 'never',
    nextStep:
      'Stage it anew without overwriting, or make it a new one with edit-service-definition-draft (replace: false). If it was meant for another service, send its folder and serviceName.',
    alternatives: [
      'The site takes such a definition, and its instance did not start: look at its licences, its data and its memory.',
    ],
  };
}

export function nameNotValid(it: FailureEvidence): Told {
  const name = serviceNameOf(it);
  const suggested = name.replace(/[^A-Za-z0-9_]+/g, '_').slice(0, 120);
  return {
    cause: `${name} is not a valid name: service names take letters, digits and underscores, up to 120.`,
    certainty: 'documented',
    again: 'never',
    nextStep: `Send another serviceName, for example ${suggested}.`,
  };
}

export function serviceNameOf({ service = '' }: FailureEvidence): string {
  return service.replace(/^.*\//s, '').replace(/\.[A-Za-z]+Server$/, '');
}
