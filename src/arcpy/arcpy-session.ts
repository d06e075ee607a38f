import { join } from 'node:path';
import { z } from 'zod';
import { RawFinding, ToolMessage } from './arcpy-protocol.ts';

/** How the draft of a service is set up, property by property, in order. */
export type DraftSetting = {
  /** Name in ArcPy, dotted for what lies deeper. */
  name: string;
  value: unknown;
  /** What `value` was joined of: a version of ArcPy may want the list. */
  list?: readonly unknown[];
  /** A caller asked for it: it is told when this ArcPy does not have it. */
  isWanted: boolean;
};

/** What the functions of before there were drafts as objects take. */
export type LegacyDraft = Record<string, unknown> & { copyDataToServer: boolean };

type Drafting = {
  serviceName: string;
  serverType: 'STANDALONE_SERVER' | 'FEDERATED_SERVER';
  /** File to write. */
  draft: string;
  settings: readonly DraftSetting[];
};

export const Drafted = z.object({
  findings: z.array(RawFinding),
  /** Properties that were asked for and that this ArcPy does not have. */
  missing: z.array(z.string()),
  isLegacy: z.boolean().default(false),
});
export type Drafted = z.output<typeof Drafted>;

export const Staged = z.object({
  isStaged: z.boolean(),
  findings: z.array(RawFinding),
  messages: z.array(ToolMessage),
});
export type Staged = z.output<typeof Staged>;

const ToolRun = z.object({
  outputs: z.array(z.string()),
  messages: z.array(ToolMessage),
  file: z.object({ path: z.string() }).nullable(),
});

export const ToolDescription = z
  .object({
    name: z.string().describe('Name to give as `tool`'),
    isDescribed: z.boolean().describe('ArcPy told its parameters'),
    parameters: z.array(
      z.object({
        name: z.string().describe('Name to give in `parameters`'),
        title: z.string().optional().describe('As people see it'),
        dataType: z.string().optional().describe('Kind of value'),
        direction: z.string().optional().describe('Input or output'),
        isRequired: z.boolean().describe('Has no default'),
      }),
    ),
  })
  .meta({ id: 'ToolDescription' });
export type ToolDescription = z.output<typeof ToolDescription>;

export type Asking = {
  /** In words: what is under way, for a problem. */
  task: string;
  /** Staging and tools may say nothing for long. */
  patience: 'short' | 'long';
};

export type Ask = (op: string, args: object, asking: Asking) => Promise<unknown>;

/** One job's turn on a warm process. Names of files are relative to its folder. */
export class ArcpySession {
  readonly folder: string;
  readonly #ask: Ask;

  constructor(folder: string, ask: Ask) {
    this.folder = folder;
    this.#ask = ask;
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** Unpacks a ZIP of data into a folder, within limits. */
  async unpack(archive: string, folder: string): Promise<void> {
    const limits = { members: 100_000, bytes: 200 * 2 ** 30 };
    const task = 'unpacking the data';
    await this.#ask('unpack', { archive, folder, limits }, { task, patience: 'long' });
  }

  /** A .mxd or .mapx becomes a project, by way of one that is empty. */
  async importMap(document: string, project: string, blankProject: string): Promise<void> {
    const args = { document, project, blankProject };
    await this.#ask('import-map', args, { task: 'importing the document', patience: 'short' });
  }

  async draftMap(
    args: Drafting & { project: string; map?: string; layers?: readonly string[] },
  ): Promise<Drafted> {
    return Drafted.parse(await this.#ask('draft-map', args, draftingA('map')));
  }

  async draftImage(
    args: Drafting & {
      data: string;
      analyzeMosaic: boolean;
      legacy: LegacyDraft;
      onlyNewer: readonly string[];
    },
  ): Promise<Drafted> {
    const patience = args.analyzeMosaic ? 'long' : 'short';
    return Drafted.parse(
      await this.#ask('draft-image', args, { task: 'drafting the raster', patience }),
    );
  }

  async draftGeoprocessing(
    args: Drafting & {
      toolbox?: string;
      alias?: string;
      tools: readonly { name: string; inputs: Record<string, unknown> }[];
      result?: string;
      extensions: readonly string[];
      legacy: LegacyDraft;
      onlyNewer: readonly string[];
    },
  ): Promise<Drafted> {
    const asking = { task: 'running and drafting the tools', patience: 'long' } as const;
    return Drafted.parse(await this.#ask('draft-geoprocessing', args, asking));
  }

  async draftGeocode(args: {
    serviceName: string;
    draft: string;
    locator: string;
    legacy: LegacyDraft & { overwrite: boolean };
  }): Promise<Drafted> {
    return Drafted.parse(await this.#ask('draft-geocode', args, draftingA('locator')));
  }

  async stage(args: {
    draft: string;
    definition: string;
    stagingVersion?: number;
  }): Promise<Staged> {
    return Staged.parse(await this.#ask('stage', args, { task: 'staging', patience: 'long' }));
  }

  async runTool(args: {
    tool: string;
    toolbox?: string;
    alias?: string;
    parameters: Record<string, unknown>;
    extensions: readonly string[];
    overwriteOutput: boolean;
    outputs: string;
    archive: string;
  }): Promise<z.output<typeof ToolRun>> {
    const asking = { task: `running ${args.tool}`, patience: 'long' } as const;
    return ToolRun.parse(await this.#ask('run-tool', args, asking));
  }

  /** Of the named system tools those that this ArcPy has. */
  async describeTools(names: readonly string[]): Promise<ToolDescription[]> {
    const asking = { task: 'describing the tools', patience: 'short' } as const;
    const answer = await this.#ask('describe-tools', { names }, asking);
    return z.object({ tools: z.array(ToolDescription) }).parse(answer).tools;
  }
}

function draftingA(what: string): Asking {
  return { task: `drafting the ${what}`, patience: 'short' };
}
