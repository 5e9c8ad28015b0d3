// better-upload's client comes with hooks for React beside the functions that are measured.
export const useCallback = undefined;
export const useMemo = undefined;
export const useState = undefined;
