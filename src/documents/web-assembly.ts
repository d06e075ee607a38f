/** The part of WebAssembly we use; TypeScript has it among the types of browsers only. */
type WebAssemblyApi = {
  compile(bytes: Uint8Array): Promise<CompiledModule>;
  instantiate(module: CompiledModule, imports: object): Promise<object>;
  RuntimeError: new (message?: string) => Error;
  Memory: { prototype: { readonly buffer: ArrayBuffer; grow(pages: number): number } };
};

/** A module, compiled once and instantiated as often as needed. */
export type CompiledModule = { readonly compiledModule: never };

const pageBytes = 65_536;

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;

/**
 * Lets no WebAssembly memory of this process grow beyond `maxBytes`: its own limit is 2 GiB, and an
 * archive may ask for a dictionary or a header of that size. Only for a process that does nothing else.
 */
export function limitWebAssemblyMemory(maxBytes: number): void {
  const { prototype } = webAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function growWithin(this: typeof prototype, pages: number) {
    if (this.buffer.byteLength + pages * pageBytes > maxBytes) {
      throw new RangeError('WebAssembly memory limit reached');
    }
    return grow.call(this, pages);
  };
}
