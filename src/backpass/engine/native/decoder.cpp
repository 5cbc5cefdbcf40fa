// See decoder.hpp.
#include "decoder.hpp"

#include <utility>

#include "fused_match.hpp"

namespace backpass::native {
namespace {

constexpr std::int64_t kMostRegisters = 256, kMostShards = 256;
// Below this number of elementary operations a second thread costs more than it saves.
constexpr std::int64_t kSmallWork = 32 * 1024;

// The cost of a product: its multiplications, and eight for each element that is read or written, about the time that
// takes.
double work_of(const Product& p) {
    const auto m = static_cast<double>(p.m), n = static_cast<double>(p.n), k = static_cast<double>(p.k);
    return static_cast<double>(p.stack[0] * p.stack[1] * p.stack[2]) * (m * n * k + 8 * (m * k + k * n + m * n));
}

}  // namespace

Decoder::Decoder(const std::vector<std::int64_t>& sizes, const Kernels& kernels) : bounds_(sizes), kernels_(kernels) {}

std::int64_t Decoder::word() {
    if (next_ == end_) refuse("an instruction ends too early");
    return *next_++;
}

std::int64_t Decoder::length() {
    const std::int64_t value = word();
    if (value < 0 || value > kMostElements) refuse("a length is out of range");
    return value;
}

Operand Decoder::operand() {
    Operand x{};
    x.buffer = word();
    x.offset = word();
    const std::int64_t dtype = word();
    bounds_.check_buffer(x.buffer);
    if (dtype < 0 || dtype >= kDtypes) refuse("no such dtype");
    x.dtype = static_cast<Dtype>(dtype);
    if (x.offset < 0 || x.offset % bytes_of(x) != 0) refuse("an offset is negative or not aligned");
    for (std::int64_t& stride : x.strides) {
        stride = word();
        if (stride < -kMostElements || stride > kMostElements) refuse("a stride is out of range");
    }
    return x;
}

// A step may write an output to memory directly unless later steps of this chunk still read that memory.
void Decoder::mark_direct(const Map& map, std::vector<MapOutput>& outputs, const std::vector<MapStep>& steps) const {
    for (MapOutput& y : outputs) {
        std::int64_t made = -1, last_made = -1;
        for (std::size_t s = 0; s < steps.size(); ++s)
            if (steps[s].out == y.source) {
                if (made < 0) made = static_cast<std::int64_t>(s);
                last_made = static_cast<std::int64_t>(s);
            }
        y.direct = made >= 0 && made == last_made && y.operand.dtype != Dtype::Bool;
        for (const MapOutput& other : outputs)
            if (&other < &y && other.source == y.source) y.direct = false;
        for (std::int64_t i = 0; y.direct && i < map.inputs.size; ++i) {
            if (map.inputs.data[i].buffer != y.operand.buffer) continue;
            for (std::size_t s = static_cast<std::size_t>(made) + 1; s < steps.size(); ++s)
                if (steps[s].a == i || steps[s].b == i || steps[s].c == i) y.direct = false;
        }
    }
}

Map Decoder::map() {
    Map map{};
    const std::int64_t inputs = length(), outputs = length(), steps = length(), registers = length();
    if (registers > kMostRegisters || inputs > registers || outputs > kMostRegisters || steps > 65536)
        refuse("a map is too large");
    for (std::int64_t& n : map.shape) n = length();
    product_of({map.shape[0], map.shape[1], map.shape[2], map.shape[3], map.shape[4]});
    auto& operands = operands_.emplace_back();
    auto& flags = flags_.emplace_back();
    for (std::int64_t i = 0; i < inputs; ++i) {
        const Operand x = operand();
        bounds_.check_range(x, map.shape);
        bool is_scalar = true;
        for (int d = 0; d < kRank; ++d) is_scalar = is_scalar && (x.strides[d] == 0 || map.shape[d] == 1);
        operands.push_back(x);
        flags.push_back(is_scalar);
    }
    auto& written = outputs_.emplace_back();
    for (std::int64_t i = 0; i < outputs; ++i) {
        MapOutput y{};
        y.operand = operand();
        y.source = static_cast<int>(word());
        if (y.source < 0 || y.source >= registers) refuse("no such register");
        bounds_.check_range(y.operand, map.shape);
        written.push_back(y);
    }
    auto& code = steps_.emplace_back();
    for (std::int64_t s = 0; s < steps; ++s) {
        const std::int64_t operation = word();
        if (operation < 0 || operation >= kernels_.elementwise.size) refuse("no such elementwise operation");
        const NamedElementwise& named = kernels_.elementwise.data[operation];
        std::int64_t at[4] = {word(), word(), word(), word()};
        for (const std::int64_t r : at)
            if (r < 0 || r >= registers) refuse("no such register");
        if (at[0] < inputs) refuse("a step overwrites an input");
        int scalars = 0;
        for (int j = 0; j < named.arguments; ++j)
            if (at[j + 1] < inputs && flags[static_cast<std::size_t>(at[j + 1])]) scalars |= 1 << j;
        if (named.arguments < 2) at[2] = at[1];
        if (named.arguments < 3) at[3] = at[2];
        code.push_back({named.variants[scalars], static_cast<int>(at[0]), static_cast<int>(at[1]),
                        static_cast<int>(at[2]), static_cast<int>(at[3])});
    }
    map.inputs = {operands.data(), inputs};
    map.is_scalar = {flags.data(), inputs};
    map.registers = static_cast<int>(registers);
    map.register_bytes = kChunk * 8;
    mark_direct(map, written, code);
    map.outputs = {written.data(), outputs};
    map.steps = {code.data(), steps};
    FusedMatch match = match_fused(map, kernels_.fused);
    map.fused = match.kernel;
    map.fused_stored = match.stored;
    map.fused_registers = registers_.emplace_back(std::move(match.registers)).data();
    return map;
}

Product Decoder::product() {
    Product p{};
    for (std::int64_t& n : p.stack) n = length();
    p.m = length(), p.n = length(), p.k = length();
    product_of({p.stack[0], p.stack[1], p.stack[2], p.m, p.n});
    p.is_narrow = word() != 0;
    const std::int64_t epilogue = word();
    if (epilogue < 0 || epilogue > 5) refuse("no such epilogue");
    p.epilogue = static_cast<Epilogue>(epilogue);
    p.has_bias = word() != 0;
    p.a = operand(), p.b = operand(), p.c = operand();
    p.is_bf16 = p.a.dtype == Dtype::UInt32;
    if (p.is_bf16) {
        if (kernels_.bf16 == nullptr) refuse("no bfloat16 products with this instruction set");
        const bool is_single = product_of({p.stack[0], p.stack[1], p.stack[2]}) == 1;
        if (p.is_narrow || !is_single || p.k < 1) refuse("a bfloat16 product of this form");
        bounds_.check_words(p.a, p.k, p.m, kLeftPanel);
        bounds_.check_words(p.b, p.k, p.n, kRightPanel);
    } else {
        bounds_.check_range(p.a, {p.stack[0], p.stack[1], p.stack[2], p.m, p.k});
        bounds_.check_range(p.b, {p.stack[0], p.stack[1], p.stack[2], p.k, p.n});
    }
    bounds_.check_range(p.c, {p.stack[0], p.stack[1], p.stack[2], p.m, p.n});
    if (p.has_bias) {
        p.bias = operand();
        bounds_.check_range(p.bias, {p.stack[0], p.stack[1], p.stack[2], 1, p.n});
    }
    if (p.c.dtype != Dtype::Float32 && p.c.dtype != Dtype::Float64) refuse("a product of this dtype");
    for (const Operand* x : {&p.a, &p.b}) check_dtype(*x, p.is_bf16 ? Dtype::UInt32 : p.c.dtype);
    if (p.has_bias) check_dtype(p.bias, p.c.dtype);
    if (p.is_bf16) check_dtype(p.c, Dtype::Float32);
    p.has_aux = p.epilogue == Epilogue::Relu || p.epilogue == Epilogue::SlopeOfRelu ||
        p.epilogue == Epilogue::SlopeBySign;
    if (p.epilogue != Epilogue::None && (p.is_narrow || p.c.dtype != Dtype::Float32))
        refuse("an epilogue of this product");
    if (p.has_aux) {
        p.aux = operand();
        bounds_.check_range(p.aux, {p.stack[0], p.stack[1], p.stack[2], p.m, p.n});
        check_dtype(p.aux, Dtype::Float32);
        const bool is_row_by_row = (p.aux.strides[4] == 1 && p.c.strides[4] == 1) || p.n == 1;
        if (!is_row_by_row) refuse("the operand of an epilogue is not stored row by row");
    }
    if (p.c.dtype == Dtype::Float64 || p.is_bf16) return p;
    const bool along_k = p.a.strides[4] == 1 || p.k <= 1;
    if (!(p.is_narrow ? along_k : along_k || p.a.strides[3] == 1))
        refuse("the first factor is contiguous along neither of its axes");
    return p;
}

Pack Decoder::pack() {
    Pack p{};
    p.k = length(), p.n = length(), p.panel = length();
    product_of({p.k, p.n});
    if (kernels_.bf16 == nullptr) refuse("no bfloat16 products with this instruction set");
    if (p.panel != kLeftPanel && p.panel != kRightPanel) refuse("a panel of this width");
    p.x = operand(), p.y = operand();
    check_dtype(p.x, Dtype::Float32);
    bounds_.check_range(p.x, {1, 1, 1, p.k, p.n});
    bounds_.check_words(p.y, p.k, p.n, p.panel);
    return p;
}

Reduce Decoder::reduce() {
    Reduce r{};
    const std::int64_t kind = word();
    if (kind != 0 && kind != 1) refuse("no such reduction");
    r.kind = static_cast<Reduction>(kind);
    r.over_row = word() != 0;
    for (std::int64_t& n : r.kept) n = length();
    for (std::int64_t& n : r.reduced) n = length();
    product_of({r.kept[0], r.kept[1], r.kept[2], r.reduced[0], r.reduced[1]});
    r.x = operand(), r.y = operand();
    bounds_.check_range(r.x, {r.kept[0], r.kept[1], r.kept[2], r.reduced[0], r.reduced[1]});
    bounds_.check_range(r.y, {r.kept[0], r.kept[1], r.kept[2], 1, 1});
    check_dtype(r.y, r.x.dtype);
    if (r.x.dtype == Dtype::Bool || r.x.dtype == Dtype::UInt32) refuse("a reduction of this dtype");
    return r;
}

Take Decoder::take() {
    Take t{};
    t.outer = length(), t.length = length(), t.count = length(), t.inner = length();
    product_of({t.outer, t.length, t.inner}), product_of({t.outer, t.count, t.inner});
    t.x = operand(), t.indices = operand(), t.y = operand();
    bounds_.check_range(t.x, {1, 1, 1, 1, t.outer * t.length * t.inner});
    bounds_.check_range(t.indices, {1, 1, 1, 1, t.count});
    bounds_.check_range(t.y, {1, 1, 1, 1, t.outer * t.count * t.inner});
    check_dtype(t.y, t.x.dtype);
    if (t.indices.dtype == Dtype::Bool || t.indices.dtype >= Dtype::Float32) refuse("indices must be whole numbers");
    return t;
}

Scatter Decoder::scatter() {
    Scatter t{};
    t.outer = length(), t.length = length(), t.count = length(), t.inner = length();
    product_of({t.outer, t.length, t.inner}), product_of({t.outer, t.count, t.inner});
    t.x = operand(), t.indices = operand(), t.y = operand();
    bounds_.check_range(t.x, {1, 1, 1, 1, t.outer * t.count * t.inner});
    bounds_.check_range(t.indices, {1, 1, 1, 1, t.count});
    bounds_.check_range(t.y, {1, 1, 1, 1, t.outer * t.length * t.inner});
    check_dtype(t.y, t.x.dtype);
    if (t.x.dtype == Dtype::Bool) refuse("truth values cannot be added");
    if (t.indices.dtype == Dtype::Bool || t.indices.dtype >= Dtype::Float32) refuse("indices must be whole numbers");
    return t;
}

Gather Decoder::gather() {
    Gather g{};
    g.data = word(), g.rows = word(), g.first = length(), g.count = length(), g.row_bytes = length();
    bounds_.check_buffer(g.data), bounds_.check_buffer(g.rows);
    g.y = operand();
    const std::int64_t bytes = product_of({g.count, g.row_bytes});
    if (bytes % bytes_of(g.y) != 0) refuse("a row is not a whole number of elements");
    bounds_.check_range(g.y, {1, 1, 1, 1, bytes / bytes_of(g.y)});
    return g;
}

Random Decoder::random() {
    Random r{};
    const std::int64_t purpose = word();
    if (purpose < 0 || purpose > std::int64_t{0xffffffff}) refuse("a purpose is out of range");
    r.purpose = static_cast<std::uint32_t>(purpose);
    r.first = length(), r.count = length();
    r.key = operand(), r.step = operand(), r.y = operand();
    for (const Operand* x : {&r.key, &r.step, &r.y}) check_dtype(*x, Dtype::UInt32);
    bounds_.check_range(r.key, {1, 1, 1, 1, 2});
    bounds_.check_range(r.step, {1, 1, 1, 1, 1});
    bounds_.check_range(r.y, {1, 1, 1, 1, r.count});
    return r;
}

Guard Decoder::guard() {
    Guard g{operand()};
    if (g.x.dtype != Dtype::Float32 && g.x.dtype != Dtype::Float64)
        refuse("the operand of a guard is not a real number");
    bounds_.check_range(g.x, {1, 1, 1, 1, 1});
    return g;
}

Instruction Decoder::decode(const std::int64_t* words, std::int64_t count) {
    next_ = words;
    end_ = words + count;
    Instruction instruction{};
    instruction.opcode = static_cast<Opcode>(word());
    instruction.shard = word();
    if (instruction.shard < -1 || instruction.shard >= kMostShards) refuse("a shard number out of range");
    bool is_small = true;  // splitting it between threads would cost more
    switch (instruction.opcode) {
        case Opcode::Map: {
            const Map& m = instruction.map = map();
            const std::int64_t elements = m.shape[0] * m.shape[1] * m.shape[2] * m.shape[3] * m.shape[4];
            is_small = elements < kSmallWork / 4 / (1 + m.steps.size / 4);
            break;
        }
        case Opcode::Product: {
            const Product& p = instruction.product = product();
            is_small = work_of(p) < 8 * static_cast<double>(kSmallWork);
            break;
        }
        case Opcode::Reduce: {
            const Reduce& r = instruction.reduce = reduce();
            const std::int64_t kept = r.kept[0] * r.kept[1] * r.kept[2];
            is_small = kept < 2 || kept * r.reduced[0] * r.reduced[1] < kSmallWork;
            break;
        }
        case Opcode::Take: instruction.take = take(); break;
        case Opcode::Scatter: instruction.scatter = scatter(); break;
        case Opcode::Gather: {
            const Gather& g = instruction.gather = gather();
            is_small = g.count * g.row_bytes < kSmallWork;
            break;
        }
        case Opcode::Random: {
            const Random& r = instruction.random = random();
            is_small = r.count < kSmallWork / 4;
            break;
        }
        case Opcode::Guard: instruction.guard = guard(); break;
        case Opcode::Pack:
            instruction.pack = pack();
            is_small = false;  // packings precede products that all threads share
            break;
        default: refuse("no such instruction");
    }
    if (next_ != end_) refuse("an instruction has words left over");
    instruction.executor = instruction.shard >= 0 ? Executor::Shard : is_small ? Executor::Main : Executor::All;
    return instruction;
}

}  // namespace backpass::native
