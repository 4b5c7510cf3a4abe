/**
 * Addresses, ports and the bridge belong to the machine, not to one HAWSER_ROOT: two hawsers with roots of their own must
 * not give out one address twice. docs/decisions/0012-one-network-per-machine.md
 */
export const networkFolder = '/run/hawser-network';
