// The kernels for the portable instruction set; see kernels.inc.
#define BACKPASS_PORTABLE_LANES
#include "kernels.inc"

namespace backpass::native {

const Kernels* portable_kernels() {

    static const Kernels kernels{"portable",     run_map,        run_product, product_scratch,
                                 run_reduce, reduce_scratch, run_random,  {elementwise_table, elementwise_count},
                                 all_fused_kernels()};
    return &kernels;
}

}  // namespace backpass::native
