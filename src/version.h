/* version: of the program and of the events it writes. */
#ifndef VERSION_H
#define VERSION_H
#define MXWITNESS_VERSION "0.1.0"
#define MXWITNESS_SCHEMA "1.0"
#define MXWITNESS_ECS "9.0.0"
#define MXWITNESS_DATE "November 25, 2026" /* of the generated manual pages */
#endif
