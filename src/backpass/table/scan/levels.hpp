// Levels: the distinct texts of a column, each with a code: 1, 2, 3 ... as they first appear.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <string_view>
#include <vector>

namespace backpass::table {

// More texts than there are codes; Python tells it as memory that is not there.
struct TooManyTexts : std::bad_alloc {
    const char* what() const noexcept override { return "a column has more than 2,147,483,647 texts"; }
};

class Levels {
  public:
    // The code of a text, which is taken up where it is new.
    std::int32_t code_of(std::string_view text) {
        if (size() + 1 > slots_.size() / 2) grow();
        const std::uint32_t hash = hash_of(text);
        for (std::size_t slot = hash & mask();; slot = (slot + 1) & mask()) {
            const std::int32_t code = slots_[slot];
            if (code == 0) return slots_[slot] = taken_up(text, hash);
            if (hashes_[index(code)] == hash && level(index(code)) == text) return code;
        }
    }

    std::size_t size() const { return hashes_.size(); }

    // The text of code i + 1.
    std::string_view level(std::size_t i) const {
        return {bytes_.data() + starts_[i], static_cast<std::size_t>(starts_[i + 1] - starts_[i])};
    }

  private:
    std::vector<char> bytes_;                   // of all levels, one behind the other
    std::vector<std::uint64_t> starts_ = {0};   // where each begins among them, and where the last one ends
    std::vector<std::uint32_t> hashes_;         // of each
    std::vector<std::int32_t> slots_ = std::vector<std::int32_t>(16);  // open addressing: a code, or 0

    static std::size_t index(std::int32_t code) { return static_cast<std::size_t>(code) - 1; }
    std::size_t mask() const { return slots_.size() - 1; }

    std::int32_t taken_up(std::string_view text, std::uint32_t hash) {
        if (size() == static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) throw TooManyTexts{};
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        starts_.push_back(bytes_.size());
        hashes_.push_back(hash);
        return static_cast<std::int32_t>(size());
    }

    void grow() {
        std::vector<std::int32_t> wider(2 * slots_.size());
        const std::size_t wide = wider.size() - 1;
        for (std::size_t i = 0; i < size(); ++i) {
            std::size_t slot = hashes_[i] & wide;
            while (wider[slot] != 0) slot = (slot + 1) & wide;
            wider[slot] = static_cast<std::int32_t>(i + 1);
        }
        slots_ = std::move(wider);
    }

    // Starts at random, so that nobody can write a file whose texts all share a slot. No code depends on it.
    static std::uint64_t seed() {
        static const std::uint64_t drawn = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
        return drawn;
    }

    // Eight bytes at a time, each spread by a product and folded (after MurmurHash3, Appleby 2011).
    static std::uint32_t hash_of(std::string_view text) {
        constexpr std::uint64_t kOdd = 0xff51afd7ed558ccdULL;
        std::uint64_t h = seed() ^ (text.size() * kOdd);
        const char* p = text.data();
        std::size_t left = text.size();
        while (left > 0) {
            const std::size_t some = left < 8 ? left : 8;
            std::uint64_t word = 0;
            std::memcpy(&word, p, some);
            h = (h ^ word) * kOdd;
            h ^= h >> 32;
            p += some;
            left -= some;
        }
        h *= kOdd;
        return static_cast<std::uint32_t>(h ^ (h >> 29));
    }
};

}  // namespace backpass::table
