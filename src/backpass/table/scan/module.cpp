// The border between Python and the scanner: pieces of bytes come in, arrays go out that own what the scanner
// collected.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "scanner.hpp"

namespace nb = nanobind;

namespace backpass::table {
namespace {

template <class T>
using Array = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

// An array on the elements of a vector, which it keeps.
template <class T>
Array<T> owned(std::vector<T>&& values) {
    auto* kept = new std::vector<T>(std::move(values));
    const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Array<T>(kept->data(), {kept->size()}, owner);
}

std::vector<std::string> texts_of(const std::vector<nb::bytes>& lines) {
    std::vector<std::string> texts;
    for (const nb::bytes& line : lines) texts.emplace_back(line.c_str(), line.size());
    return texts;
}

Scanner* make_scanner(const std::string& roles, const std::vector<nb::bytes>& tokens, bool with_points,
                      std::int64_t rows_about) {
    if (roles.find_first_not_of("nt-") != std::string::npos) throw std::invalid_argument("a role is n, t or -");
    return new Scanner(roles, texts_of(tokens), with_points, rows_about < 0 ? 0 : rows_about);
}

void begin(Scanner& scanner, char delimiter, std::vector<std::int64_t> order, std::int64_t line, std::int64_t headers,
           bool is_merged, const nb::bytes& comment, bool all_comments, const std::vector<nb::bytes>& header_lines,
           const std::vector<nb::bytes>& preamble, bool skips_empty) {
    for (const std::int64_t j : order)
        if (j < 0 || j >= static_cast<std::int64_t>(scanner.columns.size()))
            throw nb::index_error("a field belongs to no column");
    LineWatch watch({comment.c_str(), comment.size()}, all_comments, texts_of(header_lines), texts_of(preamble));
    scanner.begin(delimiter, std::move(order), line, headers, is_merged, std::move(watch), skips_empty);
}

void feed(Scanner& scanner, const nb::bytes& piece) {
    const nb::gil_scoped_release released;
    scanner.feed({piece.c_str(), piece.size()});
}

void end(Scanner& scanner) {
    const nb::gil_scoped_release released;
    scanner.end();
}

Column& column_of(Scanner& scanner, std::int64_t j) {
    if (j < 0 || j >= static_cast<std::int64_t>(scanner.columns.size()))
        throw nb::index_error("there is no such column");
    return scanner.columns[static_cast<std::size_t>(j)];
}

Array<double> numbers(Scanner& scanner, std::int64_t j) { return owned(std::move(column_of(scanner, j).numbers)); }

nb::tuple texts(Scanner& scanner, std::int64_t j) {
    Column& column = column_of(scanner, j);
    nb::list levels;
    for (std::size_t i = 0; i < column.levels.size(); ++i) {
        const std::string_view level = column.levels.level(i);
        levels.append(nb::str(level.data(), level.size()));
    }
    column.levels = {};
    return nb::make_tuple(levels, owned(std::move(column.codes)));
}

const char* broken(const Scanner& scanner) {
    switch (scanner.broken) {
        case Cut::LongField: return "long field";
        case Cut::AfterQuote: return "after quote";
        case Cut::OpenQuote: return "open quote";
        default: return "";
    }
}

}  // namespace
}  // namespace backpass::table

NB_MODULE(_scanner, m) {
    using namespace backpass::table;
    m.doc() = "The scanner of delimited text; see backpass.table.scan.";
    nb::class_<Scanner>(m, "Scanner", "Delimited text in pieces -> columns.")
        .def(nb::new_(&make_scanner), nb::arg("roles"), nb::arg("tokens"), nb::kw_only(), nb::arg("with_points"),
             nb::arg("rows_about"))
        .def("begin", &begin, nb::arg("delimiter"), nb::arg("order"), nb::kw_only(), nb::arg("line") = 1,
             nb::arg("headers") = 1, nb::arg("is_merged") = false, nb::arg("comment") = nb::bytes("", 0),
             nb::arg("all_comments") = false, nb::arg("header_lines") = std::vector<nb::bytes>(),
             nb::arg("preamble") = std::vector<nb::bytes>(), nb::arg("skips_empty") = false)
        .def("feed", &feed, nb::arg("piece"))
        .def("end", &end)
        .def("numbers", &numbers, nb::arg("column"), "The numbers of a column, which are given away.")
        .def("texts", &texts, nb::arg("column"), "The levels and codes of a column, which are given away.")
        .def("is_unfit", [](Scanner& s, std::int64_t j) { return column_of(s, j).is_unfit; }, nb::arg("column"))
        .def("has_points", [](Scanner& s, std::int64_t j) { return column_of(s, j).has_points; }, nb::arg("column"))
        .def_ro("rows", &Scanner::rows)
        .def_ro("uneven", &Scanner::uneven)
        .def_ro("uneven_count", &Scanner::uneven_count)
        .def_ro("empty_rows", &Scanner::empty_rows)
        .def_ro("header_rows", &Scanner::header_rows)
        .def_ro("aside", &Scanner::aside)
        .def_ro("aside_count", &Scanner::aside_count)
        .def_prop_ro("broken", &broken)
        .def_ro("broken_line", &Scanner::broken_line);
}
