/** What a client did that a real site may punish, or that its operators would mind. */
export type ViolationRule =
  | 'f-missing'
  | 'referer-missing'
  | 'referer-mismatch'
  | 'post-needed'
  | 'json-body'
  | 'chunked-upload'
  | 'token-in-url'
  | 'too-many-jobs'
  | 'polling-too-fast'
  | 'item-submitted-twice'
  | 'upload-in-use-deleted'
  | 'foreign-upload-deleted'
  | 'upload-left-behind'
  | 'login-storm'
  | 'account-locked'
  | 'touched-while-replaced'
  | 'incomplete-document'
  | 'property-not-string'
  | 'edit-without-change';

export type Violation = { rule: ViolationRule; detail: string };

export class Violations {
  #found: Violation[] = [];

  record(rule: ViolationRule, detail: string): void {
    this.#found.push({ rule, detail });
  }

  list(): Violation[] {
    return [...this.#found];
  }

  clear(): void {
    this.#found = [];
  }
}
