import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import type { RawFinding } from '../arcpy/arcpy-protocol.ts';
import type { ArcpySession, DraftSetting } from '../arcpy/arcpy-session.ts';
import { DraftChange, type DraftEdits } from '../documents/draft-edits.ts';
import type {
  ServiceDefinitionContent,
  ServiceDefinitionDatabase,
} from '../documents/service-definition.ts';
import { DocumentError, GatewayError } from '../lib/errors.ts';
import { redactSecrets } from '../lib/redact.ts';
import { findDataStoreItems, readRestInfo } from '../sites/site-reader.ts';
import {
  ArcpyFinding,
  type FindSources,
  findObjection,
  type Settling,
  toFindings,
} from './analysis-judging.ts';
import type { DraftWish } from './arcpy-inputs.ts';
import { ArtifactLink, keepArtifact, removeArtifact } from './artifact-records.ts';
import { mergeEdits, toEditsInstead } from './draft-settings.ts';
import type { JobContext } from './job-type.ts';
import { matchReferencedData } from './publish-service-definition/registered-data.ts';
import { isAtLeast } from './publish-service-definition/site-version.ts';
import { kindOfPath } from './register-folder/schema.ts';
import { defineStep, type StepContext } from './step.ts';

export type DraftTarget = 'ENTERPRISE_11' | 'ENTERPRISE_10x';

/** Files of a job, relative to its folder. */
export const inFolder = 'in';
export const draftFile = 'service.sddraft';
const editedFile = 'edited.sddraft';
const definitionFile = 'service.sd';

/** What one kind of service does in its own way: fetch its sources and have them drafted. */
export type Drafting = (work: DraftingWork) => Promise<{
  kind: 'MapServer' | 'ImageServer' | 'GPServer' | 'GeocodeServer';
  findings: RawFinding[];
  missing: readonly string[];
  settings: readonly DraftSetting[];
  /** What a draft that was made the old way has no parameter for. */
  edits?: DraftEdits;
  findSources?: FindSources;
  /** The older functions analyze while they draft; with errors there is nothing to stage. */
  isLegacy?: boolean;
}>;

export type DraftingWork = {
  session: ArcpySession;
  context: JobContext;
  target: DraftTarget;
  signal: AbortSignal;
};

const Made = {
  findings: z.array(ArcpyFinding).describe('What the analysis found'),
  copiedDatasets: z.array(z.string()).describe('Data that come along in the definition'),
  target: z.string().describe('Server that it was made for'),
  changes: z.array(DraftChange).describe('Edits of the draft: place, before, after'),
  arcpyMessages: z
    .array(z.string())
    .describe("Staging's own messages, in the installation's words"),
  machine: z.string().describe('Worker whose ArcPy did it'),
} as const;

export const AnalysisResult = z.object({
  passes: z.boolean().describe('No error, and nothing else that the inputs refuse'),
  isStaged: z.boolean().describe('ArcPy came to its end'),
  ...Made,
});
export type AnalysisResult = z.output<typeof AnalysisResult>;

export const DefinitionResult = z.object({
  serviceDefinition: ArtifactLink.describe('The definition (.sd), ready to be published'),
  serviceName: z.string(),
  folder: z.string().describe('Folder that receives the service; empty: the root'),
  type: z.string().describe('Kind of service, such as `MapServer`'),
  unregisteredFolders: z
    .array(z.string())
    .describe('Folders of data that `site` has not registered; empty where no site is named'),
  ...Made,
});
export type DefinitionResult = z.output<typeof DefinitionResult>;

type Input = { wish: DraftWish; drafting: Drafting; context: JobContext };

/**
 * Drafts, edits, stages and keeps. Nothing is touched but files of our own, so another attempt simply does it again.
 */
export const makeDefinition = defineStep<Input, DefinitionResult>({
  name: 'stage',
  title: 'Drafting and staging with ArcPy',
  share: [0, 100],
  result: DefinitionResult,
  async act(input, step) {
    const { wish, context } = input;
    return await useArcpy(input, step, async (session) => {
      const made = await draftAndStage(session, input, step);
      const objection = findObjection(made.findings, { ...wish, copied: made.copiedDatasets });
      if (objection) throw objection;
      const { content, isStaged, items, kind, ...told } = made;
      if (!isStaged) throw new StagingRefusedError(told.arcpyMessages, told.findings);
      const artifact = await keepArtifact(context.storage, {
        jobId: context.jobId,
        owner: context.owner,
        name: `${wish.serviceName}.sd`,
        path: session.pathOf(definitionFile),
        signal: step.signal,
      });
      const { serviceName, folder = '', type } = content ?? { ...wish, type: kind };
      const unregisteredFolders = content
        ? findUnregisteredFolders(content, items, session.folder)
        : [];
      return {
        ...{ serviceDefinition: artifact, serviceName, folder, type, unregisteredFolders },
        ...told,
      };
    });
  },
  async undo({ context }) {
    await removeArtifact(context.storage, context.jobId);
    return undefined;
  },
});

/** Does the same, tells what came of it, and throws the definition away. */
export const analyzeWithArcpy = defineStep<Input, AnalysisResult>({
  name: 'analyze',
  title: 'Analyzing with ArcPy',
  share: [0, 100],
  result: AnalysisResult,
  async act(input, step) {
    return await useArcpy(input, step, async (session) => {
      const {
        content: _,
        items: __,
        kind: ___,
        ...made
      } = await draftAndStage(session, input, step);
      const judgement = { ...input.wish, copied: made.copiedDatasets };
      const objection = findObjection(made.findings, judgement);
      if (objection && input.wish.failOn !== 'never') throw objection;
      const passes =
        made.isStaged && !findObjection(made.findings, { ...judgement, failOn: 'error' });
      return { passes, ...made };
    });
  },
});

/** Errors of the analysis were ignored, and ArcPy stages nothing all the same. */
class StagingRefusedError extends GatewayError {
  override readonly name = 'StagingRefusedError';
  readonly code = 'analysis_failed';

  constructor(messages: readonly string[], findings: readonly ArcpyFinding[]) {
    super(
      `ArcPy staged nothing, although the errors are to be ignored: it does not stage with errors. ${messages.at(-1) ?? ''}`,
      { facts: { findings } },
    );
  }
}

async function useArcpy<T>(
  { context }: Input,
  { signal, progress, log }: StepContext,
  work: (session: ArcpySession) => Promise<T>,
): Promise<T> {
  const report = (phase: string, message: string) => {
    // Whoever stops the attempt tells it otherwise, too.
    void progress(shares[phase] ?? 0.1, message).catch(() => undefined);
  };
  return await context.arcpy.use(
    {
      signal,
      onProgress: report,
      onFreshStart: (error) => {
        void log.warning(`${error.message} It is tried once more.`).catch(() => undefined);
      },
    },
    async (session) => {
      await mkdir(session.pathOf(inFolder), { mode: 0o700 });
      return await work(session);
    },
  );
}

/** How far a job is when a phase begins. */
const shares: Record<string, number> = {
  ...{ import: 0.05, unpack: 0.05, open: 0.1, 'analyze-mosaic': 0.15, run: 0.2 },
  ...{ draft: 0.3, stage: 0.5 },
};

type Staging = Omit<AnalysisResult, 'passes'> & {
  content: ServiceDefinitionContent | undefined;
  items: Settling['items'];
  kind: string;
};

async function draftAndStage(
  session: ArcpySession,
  { wish, drafting, context }: Input,
  { signal }: StepContext,
): Promise<Staging> {
  const target = await decideTarget(wish, context, signal);
  const drawn = await drafting({ session, context, target, signal });
  const known = await readKnownProperties(session, context, drawn.missing, signal);
  const instead = toEditsInstead(drawn.missing, drawn.settings, { kind: drawn.kind, known });
  const edits = mergeEdits(mergeEdits(drawn.edits ?? {}, instead), wish.edits ?? {});
  const { draft, changes } = await editDraft(session, context, edits, signal);
  const isRefused =
    drawn.isLegacy === true && drawn.findings.some(({ severity }) => severity === 'error');
  const staged = isRefused
    ? { isStaged: false, findings: [], messages: [] }
    : await session.stage({
        draft,
        definition: definitionFile,
        ...(wish.stagingVersion !== undefined && { stagingVersion: wish.stagingVersion }),
      });
  const content = staged.isStaged ? await lookInto(session, wish, context, signal) : undefined;
  const copied = (content?.databases ?? []).filter(({ isCopied }) => isCopied);
  const settling = await settlingFor(wish, context, drawn.findSources, content, signal);
  if (!wish.copyDataToServer) await warnOfFrozenData(content, settling.items, context);
  return {
    isStaged: staged.isStaged,
    findings: toFindings([...drawn.findings, ...staged.findings], settling),
    copiedDatasets: copied.flatMap(({ name, datasets }) =>
      datasets.length > 0 ? datasets.map((dataset) => dataset.name) : [name],
    ),
    target,
    changes,
    arcpyMessages: staged.messages.map(({ text }) =>
      redactSecrets(text).replaceAll(session.folder, '.'),
    ),
    machine: hostname(),
    content,
    items: settling.items,
    kind: drawn.kind,
  };
}

/** Staging ended as if all were well, and what it wrote is cut off. */
class HalfDefinitionError extends GatewayError {
  override readonly name = 'HalfDefinitionError';
  readonly code = 'arcpy_failed';
}

/**
 * What ArcPy made is its own: one that we cannot look into, for its size or its kind, is kept with a warning. Where data
 * that come along are refused it has to be looked into; and half of one is none.
 */
async function lookInto(
  session: ArcpySession,
  { copiedData }: DraftWish,
  { documents, warn }: JobContext,
  signal: AbortSignal,
): Promise<ServiceDefinitionContent | undefined> {
  try {
    return await documents.readServiceDefinition(session.pathOf(definitionFile), { signal });
  } catch (error) {
    if (!(error instanceof DocumentError) || copiedData === 'refuse') throw error;
    if (error.facts.missingBytes !== undefined) {
      throw new HalfDefinitionError(
        `ArcPy says that it staged the definition, and only a part of it is there: ${error.message} Most often the disk was full. Nothing was sent to the site.`,
        { cause: error },
      );
    }
    await warn(`The definition that ArcPy made could not be looked into: ${error.message}`);
    return undefined;
  }
}

/** `ENTERPRISE_10x` is ArcPy's default, which no site of 11.0 or later takes: so it is always decided here. */
async function decideTarget(
  { target, site }: DraftWish,
  { sites }: JobContext,
  signal: AbortSignal,
): Promise<DraftTarget> {
  if (target === 'ENTERPRISE_11' || target === 'ENTERPRISE_10x') return target;
  if (site === undefined) return 'ENTERPRISE_11';
  const { version } = await readRestInfo(sites.get(site), { signal });
  return version !== undefined && !isAtLeast(version, 11, 0) ? 'ENTERPRISE_10x' : 'ENTERPRISE_11';
}

async function readKnownProperties(
  session: ArcpySession,
  { documents }: JobContext,
  missing: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  if (missing.length === 0) return [];
  const content = await documents.readDocument(session.pathOf(draftFile), {
    name: draftFile,
    signal,
  });
  return content.kind === 'service-definition-draft' ? Object.keys(content.properties) : [];
}

/** The draft is edited here, never by Python: an editor of XML there loses the prefixes that its types need. */
async function editDraft(
  session: ArcpySession,
  { documents }: JobContext,
  edits: DraftEdits,
  signal: AbortSignal,
): Promise<{ draft: string; changes: DraftChange[] }> {
  if (Object.keys(edits).length === 0) return { draft: draftFile, changes: [] };
  const task = {
    source: session.pathOf(draftFile),
    target: session.pathOf(editedFile),
    edits,
    mayStay: true,
  };
  const { changes } = await documents.editDraft(task, { signal });
  return { draft: editedFile, changes };
}

/** Without a list of items nothing is settled: a site that cannot be asked now does not fail the job. */
async function settlingFor(
  { site, ignore }: DraftWish,
  context: JobContext,
  findSources: FindSources | undefined,
  content: ServiceDefinitionContent | undefined,
  signal: AbortSignal,
): Promise<Settling> {
  const ofDefinition: FindSources = () =>
    content?.databases.map(({ source, connection }) => source ?? connection);
  const either: FindSources = (layer) => findSources?.(layer) ?? ofDefinition(layer);
  if (site === undefined) return { findSources: either, items: undefined, ignore };
  try {
    const items = await findDataStoreItems(context.sites.get(site), { signal });
    return { findSources: either, items, ignore };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GatewayError)) throw error;
    await context.warn(
      `Findings about registered data could not be settled with ${site}: ${error.message}`,
    );
    return { findSources: either, items: undefined, ignore };
  }
}

/** What the definition says of its data, with the place that copied ones were copied from. */
function toSources({ databases }: ServiceDefinitionContent): ServiceDefinitionDatabase[] {
  return databases.map((database) => ({
    ...database,
    isCopied: false,
    connection: database.source ?? database.connection,
  }));
}

/** A draft that is made offline cannot know what the site has registered: then ArcPy may copy that, too. */
async function warnOfFrozenData(
  content: ServiceDefinitionContent | undefined,
  items: Settling['items'],
  { warn }: JobContext,
): Promise<void> {
  if (!content || !items) return;
  const copied = { ...content, databases: content.databases.filter(({ isCopied }) => isCopied) };
  for (const { connection, item } of matchReferencedData(toSources(copied), items)) {
    if (item === undefined) continue;
    await warn(
      `The site has ${connection} registered (${item}), and ArcPy copied its data into the definition all the same: the service will show them as they are today.`,
    );
  }
}

/** What came along in the folder of the job is no data to register, nor is a database. */
function findUnregisteredFolders(
  content: ServiceDefinitionContent,
  items: Settling['items'],
  jobFolder: string,
): string[] {
  if (!items) return [];
  const lacking = matchReferencedData(toSources(content), items).filter(
    ({ item }) => item === undefined,
  );
  const paths = lacking.map(({ connection }) => connection);
  const folders = paths.filter((path) => kindOfPath(path) && !path.startsWith(jobFolder));
  return [...new Set(folders.map(toFolderOfData))];
}

/** A geodatabase and a file lie in the folder that is registered. */
function toFolderOfData(path: string): string {
  const clean = path.replace(/[\\/]+$/, '');
  return /\.\w{1,10}$/.test(clean) ? clean.replace(/[\\/][^\\/]*$/, '') : clean;
}
