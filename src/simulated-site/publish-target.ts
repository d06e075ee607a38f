import type { ServiceDefinitionContent } from '../documents/service-definition.ts';
import type { Fault } from './faults.ts';
import { PublishFailure } from './publish-failure.ts';
import { isRegistered } from './registered-data.ts';
import type { ServiceJson } from './service-json.ts';
import { restLabel, type ServiceName } from './services.ts';
import { runsArcMapServices } from './settings.ts';
import type { SiteJob } from './site-jobs.ts';
import type { SiteState } from './site-state.ts';
import type { StoredUpload } from './uploads.ts';

type Configuration = { folderName: string; service: ServiceJson };

export type PublishPlan = {
  definition: ServiceDefinitionContent;
  configuration: Configuration;
  target: ServiceName;
  /** What happens to a service that is there already. */
  replaces: boolean;
};

/** Reads the definition and decides where it goes. @throws PublishFailure */
export async function planPublish(
  site: SiteState,
  job: SiteJob,
  upload: StoredUpload,
): Promise<PublishPlan> {
  const { definition, own } = await readDefinition(site, upload);
  const wanted = job.inputs.in_config_overwrite;
  const ignored = wanted && site.faults.take('wrong-folder');
  const configuration = wanted && !ignored ? readOverwrite(wanted, own) : own;
  const { folderName, service } = configuration;
  const target = {
    folder: folderName.replace(/^\/+|\/+$/g, ''),
    name: service.serviceName,
    type: service.type,
  };
  const isReplacement = definition.publishType === 'Replacement';
  const replaces = isReplacement || (site.settings.overwriteByConfig && Boolean(wanted));
  return { definition, configuration, target, replaces };
}

async function readDefinition(site: SiteState, upload: StoredUpload) {
  try {
    const definition = await site.reader.readServiceDefinition(upload.file);
    const member = await site.reader.readMember(upload.file, 'serviceconfiguration.json');
    return { definition, own: readConfiguration(member.toString('utf8')) };
  } catch (error) {
    throw new PublishFailure(['001364'], [{ message: (error as Error).message }]);
  }
}

function readConfiguration(text: string): Configuration {
  const { folderName = '', service } = JSON.parse(text.replace(/^\uFEFF/, '')) as Configuration;
  return { folderName: folderName ?? '', service };
}

/**
 * Every client that is known sends the whole document back. Whether a site takes a fragment is not
 * verified, so here it fails.
 */
function readOverwrite(text: string, own: Configuration): Configuration {
  let written: Partial<Configuration>;
  try {
    written = JSON.parse(text) as Partial<Configuration>;
  } catch {
    throw new PublishFailure(['in_config_overwrite is not JSON.', '001369']);
  }
  const service = written?.service as ServiceJson | undefined;
  const missing = ['folderName', 'service'].filter((key) => !(key in (written ?? {})));
  missing.push(...Object.keys(own.service).filter((key) => !(key in (service ?? {}))));
  if (typeof written?.folderName !== 'string' || !service || missing.length > 0) {
    throw new PublishFailure([
      `in_config_overwrite is not a whole service configuration: ${missing.join(', ')} missing.`,
      '001369',
    ]);
  }
  if (service.type !== own.service.type) {
    throw new PublishFailure([`A ${own.service.type} cannot become a ${service.type}.`, '001369']);
  }
  return { folderName: written.folderName, service };
}

/** What a site does not take, whoever asks. The wording of these refusals is not verified. */
export function checkPlan(site: SiteState, job: SiteJob, plan: PublishPlan): void {
  const { definition, target } = plan;
  if (!/^[\p{L}\p{N}_]{1,120}$/u.test(target.name)) {
    throw new PublishFailure([`'${target.name}' is not a valid service name.`, '001369']);
  }
  if (/draft/i.test(definition.state)) throw new PublishFailure(['001364']);
  if (definition.isHosted && !site.settings.federated) {
    throw new PublishFailure([
      'The definition holds a hosted layer, and this is no hosting server.',
      '001369',
    ]);
  }
  checkFolder(site, target.folder);
  checkPrivilege(site, job, target.type);
  checkData(site, definition);
  checkExisting(site, plan);
}

function checkFolder(site: SiteState, folder: string): void {
  if (!folder || site.services.findFolder(folder)) return;
  if (!site.settings.createsMissingFolders) {
    throw new PublishFailure([`The folder '${folder}' does not exist.`, '001369']);
  }
  site.services.addFolder({
    folderName: folder,
    description: '',
    webEncrypted: false,
    isDefault: false,
  });
}

/** Since 10.4 only administrators publish geoprocessing. Esri, "Roles and privileges". */
function checkPrivilege(site: SiteState, job: SiteJob, type: string): void {
  const isAdministrator = job.privilege === 'ADMINISTER';
  const isOpened = String(site.properties.allowGPAndExtensionPublishingToPublishers) === 'true';
  if (type === 'GPServer' && !isAdministrator && !isOpened) {
    throw new PublishFailure(['Only administrators can publish geoprocessing services.', '001369']);
  }
}

function checkData(site: SiteState, definition: ServiceDefinitionContent): void {
  if (site.blocksDataCopy && definition.databases.some(({ isCopied }) => isCopied)) {
    throw new PublishFailure(['Copying data to this server is blocked.', '001369']);
  }
  const unknown = definition.databases.filter(
    (database) => !database.isCopied && !isRegistered(database, site.dataItems),
  );
  if (unknown.length === 0 || !site.settings.requiresRegisteredData) return;
  throw new PublishFailure(
    ['001487', '001369'],
    [
      {
        source: `System/PublishingTools.GPServer`,
        message: `The data of '${unknown.map(({ name }) => name).join("', '")}' is not registered with this server.`,
      },
    ],
  );
}

function checkExisting(site: SiteState, { target, replaces, definition }: PublishPlan): void {
  const existing = site.services.taken(target);
  if (existing && !replaces) {
    throw new PublishFailure([`Service ${restLabel(target)} already exists.`, '001369']);
  }
  if (existing?.json.isDefault) {
    throw new PublishFailure([`Service ${restLabel(target)} belongs to the system.`, '001369']);
  }
  if (!existing && definition.publishType === 'Replacement') {
    if (!site.settings.replacementNeedsService) return;
    throw new PublishFailure([`There is no service ${restLabel(target)} to replace.`, '001369']);
  }
  const method = definition.publishType === 'Replacement' ? 'manifest' : 'overwrite';
  const refuses = (fault: Fault) => fault.method === undefined || fault.method === method;
  if (existing && site.faults.take('refuse-replace', undefined, refuses)) {
    throw new PublishFailure([`Service ${restLabel(target)} cannot be replaced.`, '001369']);
  }
}

/** ArcMap definitions are taken from 11.0 on, but their services never start. */
export function canStart(site: SiteState, { definition }: PublishPlan): boolean {
  return definition.runtime !== 'ArcMap' || runsArcMapServices(site.settings.version);
}
