// Record: the next line of fields in a piece of a delimited text, cut where the delimiter stands outside quotes.
//
// As RFC 4180 has it, and a little more: a line ends in \n, \r\n or \r; spaces before an opening quote and behind a
// closing one belong to no field; a quote inside a field that does not start with one is a sign like any other. With
// merged delimiters runs of blanks and tabs separate fields, and those around a record belong to none.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "word.hpp"

namespace backpass::table {

// Where a field stands; spaces and tabs around it are left out. has_doubled: its quotes are written twice.
struct Field {
    const char* first;
    const char* last;
    bool has_doubled;
};

enum class Cut {
    Record,       // fields holds one
    Blank,        // a line of nothing
    Partial,      // the piece ends before the record does
    LongField,    // a field is longer than any of a table
    AfterQuote,   // a closing quote is followed by text
    OpenQuote     // the text ends inside quotes
};

constexpr std::int64_t kLongest = 1'000'000;  // bytes of a field

class RecordCutter {
  public:
    RecordCutter(char delimiter, bool is_merged) : delimiter_(delimiter), is_merged_(is_merged) {
        std::memset(ends_, 0, sizeof ends_);
        for (const char sign : {delimiter, '\n', '\r'}) ends_[static_cast<unsigned char>(sign)] = true;
        if (is_merged_) ends_[static_cast<unsigned char>('\t')] = true;
    }

    char delimiter() const { return delimiter_; }

    std::vector<Field> fields;
    std::int64_t lines = 0;  // that the record took

    // Cut the record at `at`, and move `at` behind its line end; is_last says that nothing follows `end`. Where the
    // record is not whole, `at` stays.
    Cut next(const char*& at, const char* end, bool is_last) {
        fields.clear();
        lines = 0;
        const char* p = at;
        if (is_merged_) {
            step_over_blanks(p, end);
            if (p == end) {
                if (is_last) at = p;
                return is_last ? Cut::Blank : Cut::Partial;
            }
        }
        if (p < end && (*p == '\n' || *p == '\r')) {
            if (!line_end(p, end, is_last)) return Cut::Partial;
            at = p;
            return Cut::Blank;
        }
        for (;;) {
            const Cut cut = field(p, end, is_last);
            if (cut != Cut::Record) return cut;
            if (p == end) break;  // only where nothing follows
            if (is_merged_) {
                step_over_blanks(p, end);
                if (p == end && !is_last) return Cut::Partial;
                if (p == end) break;
                if (*p != '\n' && *p != '\r') continue;
            } else if (*p == delimiter_) {
                ++p;
                continue;
            }
            if (!line_end(p, end, is_last)) return Cut::Partial;
            at = p;
            return Cut::Record;
        }
        at = p;
        return Cut::Record;
    }

  private:
    bool ends_[256];
    char delimiter_;
    bool is_merged_;

    static void step_over_blanks(const char*& p, const char* end) {
        while (p < end && (*p == ' ' || *p == '\t')) ++p;
    }

    // Step over \n, \r\n or \r; false where a \r is the last byte there is, and an \n may follow.
    bool line_end(const char*& p, const char* end, bool is_last) {
        if (*p == '\r') {
            if (p + 1 == end && !is_last) return false;
            p += p + 1 < end && p[1] == '\n';
        }
        ++p;
        ++lines;
        return true;
    }

    // Add the field at p, and move p to the delimiter, the line end or the end behind it.
    Cut field(const char*& p, const char* end, bool is_last) {
        const char* first = p;
        while (first < end && *first == ' ' && delimiter_ != ' ') ++first;
        if (first < end && *first == '"') return quoted(first + 1, p, end, is_last);
        const char* q = bare_end(first, end);
        if (q - p > kLongest) return Cut::LongField;
        if (q == end && !is_last) return Cut::Partial;
        add(first, q, false);
        p = q;
        return Cut::Record;
    }

    // The first byte from p on that ends a field without quotes, or `end`.
    const char* bare_end(const char* p, const char* end) const {
        if constexpr (kHasWords) {
            for (; end - p >= static_cast<std::ptrdiff_t>(kWord); p += kWord) {
                const std::uint64_t word = eight_bytes(p);
                std::uint64_t found = where_is(delimiter_, word) | where_is('\n', word) | where_is('\r', word);
                if (is_merged_) found |= where_is('\t', word);
                if (found != 0) return p + lowest(found);
            }
        }
        while (p < end && !ends_[static_cast<unsigned char>(*p)]) ++p;
        return p;
    }

    Cut quoted(const char* first, const char*& p, const char* end, bool is_last) {
        bool has_doubled = false;
        const char* q = first;
        for (;; q += 2) {
            const void* found = q < end ? std::memchr(q, '"', static_cast<std::size_t>(end - q)) : nullptr;
            q = found != nullptr ? static_cast<const char*>(found) : end;
            if (q - first > kLongest) return Cut::LongField;
            if (q == end) return is_last ? Cut::OpenQuote : Cut::Partial;
            if (q + 1 == end && !is_last) return Cut::Partial;
            if (q + 1 == end || q[1] != '"') break;
            has_doubled = true;
        }
        count_lines(first, q);
        const char* behind = q + 1;
        while (behind < end && *behind == ' ' && delimiter_ != ' ') ++behind;
        if (behind == end && !is_last) return Cut::Partial;
        if (behind < end && !ends_[static_cast<unsigned char>(*behind)]) return Cut::AfterQuote;
        add(first, q, has_doubled);
        p = behind;
        return Cut::Record;
    }

    void add(const char* first, const char* last, bool has_doubled) {
        while (first < last && (*first == ' ' || *first == '\t')) ++first;
        while (first < last && (last[-1] == ' ' || last[-1] == '\t')) --last;
        fields.push_back({first, last, has_doubled});
    }

    void count_lines(const char* first, const char* last) {
        for (const char* p = first; p < last; ++p)
            lines += *p == '\n' || (*p == '\r' && !(p + 1 < last && p[1] == '\n'));
    }
};

// The field's text with its quotes written once.
inline std::string undoubled(const Field& field) {
    std::string text;
    for (const char* p = field.first; p < field.last; ++p) {
        text.push_back(*p);
        p += *p == '"';
    }
    return text;
}

}  // namespace backpass::table
