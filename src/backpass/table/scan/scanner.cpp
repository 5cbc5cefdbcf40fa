#include "scanner.hpp"

#include <algorithm>
#include <limits>

namespace backpass::table {

Scanner::Scanner(const std::string& roles, std::vector<std::string> tokens, bool with_points, std::int64_t rows_about)
    : tokens_(std::move(tokens)), with_points_(with_points) {
    columns.resize(roles.size());
    for (std::size_t j = 0; j < roles.size(); ++j) {
        columns[j].role = static_cast<Role>(roles[j]);
        // Room that is not used costs addresses, and no memory.
        if (columns[j].role == Role::Number) columns[j].numbers.reserve(static_cast<std::size_t>(rows_about));
        if (columns[j].role == Role::Text) columns[j].codes.reserve(static_cast<std::size_t>(rows_about));
    }
}

void Scanner::begin(char delimiter, std::vector<std::int64_t> order, std::int64_t line, std::int64_t headers,
                    bool is_merged, LineWatch watch, bool skips_empty) {
    watch_ = std::move(watch);
    skips_empty_ = skips_empty;
    cutter_ = RecordCutter(delimiter, is_merged);
    order_ = std::move(order);
    left_.clear();
    line_ = line;
    headers_ = headers;
}

void Scanner::feed(std::string_view piece) {
    if (broken != Cut::Record) return;  // else what follows would pile up
    left_.append(piece);
    cut(false);
}

void Scanner::end() {
    cut(true);
    left_.clear();
}

void Scanner::cut(bool is_last) {
    const char* at = left_.data();
    const char* end = at + left_.size();
    while (at < end && broken == Cut::Record) {
        if (watch_.is_watched(*at)) {
            bool is_partial = false;
            if (step_aside(at, end, is_last, is_partial)) continue;
            if (is_partial) break;
        }
        const Cut found = cutter_.next(at, end, is_last);
        if (found == Cut::Partial) break;
        if (found == Cut::Record) {
            take_record();
        } else if (found == Cut::Blank) {
            // In a table of one column a line of nothing is a row without a value.
            if (headers_ == 0 && order_.size() == 1) {
                cutter_.fields.push_back({at, at, false});
                take_record();
            }
        } else {
            broken = found;
            broken_line = line_;
        }
        line_ += cutter_.lines;
    }
    left_.erase(0, static_cast<std::size_t>(at - left_.data()));
}

// Step over a line that is no record, and its end.
bool Scanner::step_aside(const char*& at, const char* end, bool is_last, bool& is_partial) {
    const char* behind = at;
    const Line found = watch_.line_at(at, end, is_last, cutter_.delimiter(), order_.size(), behind);
    is_partial = found == Line::Partial;
    if (found == Line::Record || is_partial || (headers_ > 0 && found != Line::Comment)) return false;
    if (behind < end && *behind == '\r' && behind + 1 == end && !is_last) {  // a \n may follow
        is_partial = true;
        return false;
    }
    if (found == Line::Header) {
        take_nothing();
        header_rows.push_back(rows);
    } else {
        if (aside.size() < kNamed) aside.push_back(line_);
        ++aside_count;
    }
    if (behind < end) behind += *behind == '\r' && behind + 1 < end && behind[1] == '\n' ? 2 : 1;
    at = behind;
    ++line_;
    return true;
}

bool Scanner::is_empty() const {
    const std::vector<Field>& fields = cutter_.fields;
    return fields.size() > 1 && std::all_of(fields.begin(), fields.end(), [](const Field& field) {
               return field.first == field.last;
           });
}

// Take a row without values.
void Scanner::take_nothing() {
    for (Column& column : columns) {
        if (column.role == Role::Text) column.codes.push_back(0);
        if (column.role == Role::Number && !column.is_unfit)
            column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
    }
    ++rows;
}

void Scanner::take_record() {
    if (headers_ > 0) {
        --headers_;
        return;
    }
    if (skips_empty_ && cutter_.fields[0].first == cutter_.fields[0].last && is_empty()) {
        if (cutter_.fields.size() == order_.size()) {
            take_nothing();
            empty_rows.push_back(rows);
        } else {
            if (aside.size() < kNamed) aside.push_back(line_);
            ++aside_count;
        }
        return;
    }
    const std::vector<Field>& fields = cutter_.fields;
    if (fields.size() != order_.size()) {
        if (uneven.size() < kNamed) uneven.emplace_back(line_, static_cast<std::int64_t>(fields.size()));
        ++uneven_count;
        return;
    }
    for (std::size_t k = 0; k < fields.size(); ++k) take(columns[static_cast<std::size_t>(order_[k])], fields[k]);
    ++rows;
}

void Scanner::take(Column& column, const Field& field) {
    if (column.role == Role::Skip || column.is_unfit) return;
    const std::string_view text(field.first, static_cast<std::size_t>(field.last - field.first));
    if (column.role == Role::Text) {
        const std::int32_t code = text.empty()        ? 0
                                  : field.has_doubled ? column.levels.code_of(undoubled(field))
                                                      : column.levels.code_of(text);
        column.codes.push_back(code);
        return;
    }
    if (text.empty()) {
        column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
        return;
    }
    const Parsed parsed = number_in(field.first, field.last);
    if (parsed.is_number && (with_points_ || !parsed.has_point)) {
        column.numbers.push_back(parsed.value);
        column.has_points |= parsed.has_point;
    } else if (!field.has_doubled && is_token(text)) {
        column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
    } else {
        column.is_unfit = true;
        column.numbers = {};
    }
}

bool Scanner::is_token(std::string_view text) const {
    return std::find(tokens_.begin(), tokens_.end(), text) != tokens_.end();
}

}  // namespace backpass::table
