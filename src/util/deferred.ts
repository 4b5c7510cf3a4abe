/** A promise that others settle. Nobody need wait for it: its failure is never unhandled. */
export class Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;

  constructor() {
    let settle: readonly [Deferred<Value>['resolve'], Deferred<Value>['reject']] | undefined;
    this.promise = new Promise<Value>((...functions) => {
      settle = functions;
    });
    [this.resolve, this.reject] = settle as unknown as readonly [typeof this.resolve, typeof this.reject];
    this.promise.catch(() => undefined);
  }
}
