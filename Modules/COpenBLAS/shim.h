#pragma once
#include <cblas.h>

// OpenBLAS exports these three from its dynamic-architecture build, but its headers do not declare
// them. They let a running process change the kernel family before its first BLAS call.
void gotoblas_dynamic_init(void);
void gotoblas_dynamic_quit(void);
char *openblas_get_corename(void);
