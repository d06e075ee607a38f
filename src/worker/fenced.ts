/**
 * The same thing, but these of its methods ask first whether the attempt still has the job. What an attempt that
 * was frozen or cut off keeps beside the record must not lie on top of what its successor kept.
 */
export function fenced<T extends object>(
  thing: T,
  guard: () => Promise<void>,
  methods: readonly (keyof T)[],
): T {
  return new Proxy(thing, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!methods.includes(name as keyof T)) return member.bind(target);
      return async (...args: unknown[]) => {
        await guard();
        return member.apply(target, args);
      };
    },
  });
}
