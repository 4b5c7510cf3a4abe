// mocha's spec report, closed by one plain line that counts: `N passed, N failed, N skipped`.
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      console.log(`${passes} passed, ${failures} failed, ${pending} skipped`);
      if (process.env.CI === 'true' && pending > 0) process.exitCode = 1;
    });
  }
};
