// The kernels for the avx512 instruction set; see kernels.inc.

#include "kernels.inc"

namespace backpass::native {

const Kernels* avx512_kernels() {
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("fma"))
        return nullptr;
    static const Kernels kernels{"avx512",     run_map,        run_product, product_scratch,
                                 run_reduce, reduce_scratch, run_random,  {elementwise_table, elementwise_count},
                                 all_fused_kernels(), avx512_bf16_kernels()};
    return &kernels;
}

}  // namespace backpass::native
