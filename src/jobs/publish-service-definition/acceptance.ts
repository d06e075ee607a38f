import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import { type ErrorCode, RequestError } from '../../lib/errors.ts';
import { type ServiceTarget, toFolder, toText } from '../../sites/service-target.ts';
import type { Acceptance, AcceptanceFacts } from '../job-type.ts';
import type { PublishServiceDefinitionParams } from './schema.ts';
import { isAtLeast } from './site-version.ts';

/** The service that a request asks for: what is not said comes from the definition. */
export function wantedTarget(
  params: Pick<PublishServiceDefinitionParams, 'folder' | 'serviceName'>,
  definition: Pick<ServiceDefinitionContent, 'folder' | 'serviceName' | 'type'>,
): ServiceTarget {
  return {
    folder: toFolder(params.folder ?? definition.folder),
    serviceName: params.serviceName ?? definition.serviceName,
    type: definition.type,
  };
}

/**
 * Refuses what can never work, before it is queued; what may change until the job runs is a warning.
 *
 * @throws RequestError naming the input that stands against it
 */
export function acceptPublishing(
  params: PublishServiceDefinitionParams,
  facts: AcceptanceFacts,
): Acceptance {
  const definition = facts.uploads.serviceDefinition?.content;
  if (definition?.kind !== 'service-definition') {
    throw refusal(
      'unreadable_document',
      'serviceDefinition',
      'The file is not a service definition (.sd).',
    );
  }
  const target = wantedTarget(params, definition);
  refuseBadNames(params, target);
  refuseImpossible(params, definition, facts);
  return {
    locks: [`${params.site}:service:${toText(target).toLowerCase()}`],
    service: toText(target),
    warnings: warningsFor(definition, facts),
  };
}

function refuseBadNames(params: PublishServiceDefinitionParams, target: ServiceTarget): void {
  const isName = (name: string) => /^[\p{L}\p{N}_]{1,120}$/u.test(name);
  const suggest = (name: string) => name.replaceAll(/[^\p{L}\p{N}_]+/gu, '_').slice(0, 120);
  if (!isName(target.serviceName)) {
    const where = params.serviceName === undefined ? 'serviceDefinition' : 'serviceName';
    throw refusal(
      'validation_error',
      where,
      `"${target.serviceName}" cannot be the name of a service: letters, digits and underscores, up to 120. Suggested serviceName: ${suggest(target.serviceName)}`,
    );
  }
  if (target.folder !== '' && !isName(target.folder)) {
    throw refusal(
      'validation_error',
      params.folder === undefined ? 'serviceDefinition' : 'folder',
      `"${target.folder}" cannot be the name of a folder. Suggested folder: ${suggest(target.folder)}`,
    );
  }
}

function refuseImpossible(
  params: PublishServiceDefinitionParams,
  definition: ServiceDefinitionContent,
  { siteRecord }: AcceptanceFacts,
): void {
  if (definition.isHosted && siteRecord?.isFederated === false) {
    throw refusal('hosted_definition', 'serviceDefinition', hostedText(params.site));
  }
  if (
    definition.runtime === 'ArcMap' &&
    siteRecord?.version &&
    isAtLeast(siteRecord.version, 11, 0)
  ) {
    throw refusal(
      'incompatible_runtime',
      'serviceDefinition',
      arcMapText(params.site, siteRecord.version),
    );
  }
  const copied = copiedDatasets(definition);
  if (params.copiedData === 'refuse' && copied.length > 0) {
    throw refusal('copied_data_refused', 'copiedData', copiedText(copied));
  }
}

export function hostedText(site: string): string {
  return `This definition holds a hosted layer. It belongs to a portal with a hosting server, and ${site} is none. Share the map to a server instead of the portal, or publish it through the portal. Nothing was uploaded.`;
}

export function arcMapText(site: string, version: string): string {
  return `This definition was made with ArcMap; ${site} (${version}) runs only services from ArcGIS Pro. Open the map in Pro and publish anew. Nothing was uploaded.`;
}

export function copiedText(datasets: string[]): string {
  return `The definition brings data along that would be copied to the site and freeze there: ${inShort(datasets)}. Send copiedData=allow to accept that.`;
}

/** A copied database that does not list what is in it counts by its own name. */
export function copiedDatasets(definition: ServiceDefinitionContent): string[] {
  return definition.databases
    .filter((database) => database.isCopied)
    .flatMap(({ name, datasets }) =>
      datasets.length > 0 ? datasets.map((dataset) => dataset.name) : [name],
    );
}

export function inShort(names: string[]): string {
  return names.length <= 12
    ? names.join(', ')
    : `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`;
}

function warningsFor(
  definition: ServiceDefinitionContent,
  { siteRecord }: AcceptanceFacts,
): string[] {
  const version = siteRecord?.version;
  const warnings: string[] = [];
  if (
    definition.runtime === 'ArcMap' &&
    version &&
    isAtLeast(version, 10, 9) &&
    !isAtLeast(version, 11, 0)
  ) {
    warnings.push(
      `Made with ArcMap: ${version} runs it only where the optional ArcMap Runtime Support is on.`,
    );
  }
  if (definition.isHosted && siteRecord?.isFederated === undefined) {
    warnings.push(
      'The definition holds a hosted layer: it is refused unless the site is a hosting server.',
    );
  }
  if (siteRecord?.isDataCopyBlocked && copiedDatasets(definition).length > 0) {
    warnings.push(
      'The site does not allow data to be copied in; the job fails if that has not changed by then.',
    );
  }
  if (definition.secretsFound.length > 0) {
    const places = [...new Set(definition.secretsFound.map((secret) => secret.where))];
    warnings.push(
      `The definition carries passwords in ${inShort(places)}; whoever has the file has them.`,
    );
  }
  return warnings;
}

function refusal(code: ErrorCode, input: string, detail: string): RequestError {
  return new RequestError(code, detail, {
    errors: [{ pointer: `#/inputs/${input}`, code, detail }],
  });
}
