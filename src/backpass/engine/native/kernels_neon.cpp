// The kernels for the neon instruction set, which every 64-bit ARM has; see kernels.inc.
#include "kernels.inc"

namespace backpass::native {

const Kernels* neon_kernels() {
    static const Kernels kernels{"neon",     run_map,        run_product, product_scratch,
                                 run_reduce, reduce_scratch, run_random,  {elementwise_table, elementwise_count},
                                 all_fused_kernels()};
    return &kernels;
}

}  // namespace backpass::native
