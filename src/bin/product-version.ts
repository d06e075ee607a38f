/** The version of the package. */
export const productVersion = '0.1.0';
