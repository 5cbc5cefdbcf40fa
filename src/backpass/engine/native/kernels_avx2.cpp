// The kernels for the avx2 instruction set; see kernels.inc.

#include "kernels.inc"

namespace backpass::native {

const Kernels* avx2_kernels() {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return nullptr;
    static const Kernels kernels{"avx2",     run_map,        run_product, product_scratch,
                                 run_reduce, reduce_scratch, run_random,  {elementwise_table, elementwise_count},
                                 all_fused_kernels()};
    return &kernels;
}

}  // namespace backpass::native
