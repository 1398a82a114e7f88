//! Reads which rooms a file enters: every path that starts at the crate, written out or by way of `super`.

use syn::{
    Attribute, ImplItem, Item, Meta, UseTree,
    punctuated::Punctuated,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A place where a file names something of the crate.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    /// The line in the file.
    pub(crate) line: usize,
    /// The first name behind `crate::`.
    pub(crate) first: String,
}

/// What a file says about the rest of the crate.
#[derive(Default)]
pub(crate) struct Found {
    /// The imports of production code.
    pub(crate) imports: Vec<Import>,
    /// Modules in files of their own that exist for tests only.
    pub(crate) test_modules: Vec<Vec<String>>,
}

/// Reads one file. `module` is the path of its module, such as `["store", "memory"]`.
pub(crate) fn read(module: &[String], source: &str) -> syn::Result<Found> {
    let file = syn::parse_file(source)?;
    let mut reader = Reader { module: module.to_vec(), found: Found::default() };
    if !only_for_tests(&file.attrs) {
        reader.visit_file(&file);
    }
    reader.found.imports.sort();
    reader.found.imports.dedup();
    Ok(reader.found)
}

struct Reader {
    /// Where we are: the module of the file, and those opened inside it.
    module: Vec<String>,
    found: Found,
}

impl Reader {
    /// Notes a path when it leads through the crate's root.
    fn note(&mut self, path: &[String], line: usize) {
        let above =
            path.iter().skip_while(|name| *name == "self").take_while(|name| *name == "super").count();
        let first = match path.first().map(String::as_str) {
            Some("crate" | "$crate") => path.get(1).cloned(),
            Some("self" | "super") if above > 0 => {
                let stays = self.module.len().saturating_sub(above);
                let below = path.iter().find(|name| !["self", "super"].contains(&name.as_str()));
                self.module[..stays].first().or(below).cloned()
            }
            _ => None,
        };
        if let Some(first) = first.filter(|name| name != "self") {
            self.found.imports.push(Import { line, first });
        }
    }

    /// Walks a `use`, whose groups may open before or behind the name of the room.
    fn walk(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(path) => self.walk(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.note(&with(name.ident.to_string()), line),
            UseTree::Rename(rename) => self.note(&with(rename.ident.to_string()), line),
            UseTree::Glob(_) => self.note(&with("*".to_owned()), line),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.walk(before, tree)),
        }
    }

    /// Finds paths in the text of a macro or an attribute, whose grammar is its own.
    fn search(&mut self, tokens: &str, line: usize) {
        let text: String = tokens.split_whitespace().collect::<Vec<_>>().join(" ").replace(" :: ", "::");
        for (at, _) in text.match_indices("crate::") {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &text[at + "crate::".len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                self.note(&["crate".to_owned(), name], line);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !only_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        } else if let Item::Mod(module) = item
            && module.content.is_none()
        {
            let inside = self.module.iter().cloned().chain([module.ident.to_string()]);
            self.found.test_modules.push(inside.collect());
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Const(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !only_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.walk(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.note(&names, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // The name of the macro is no room: exported macros live at the root of the crate.
        self.search(&call.tokens.to_string(), call.span().start().line);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        // Documentation may link anywhere; it is prose.
        if let Meta::List(list) = &attribute.meta {
            self.search(&list.tokens.to_string(), attribute.span().start().line);
        }
    }
}

/// Whether something is compiled for tests only: `cfg(test)`, alone or as a part of `all(…)`.
fn only_for_tests(attributes: &[Attribute]) -> bool {
    fn demands_test(meta: &Meta) -> bool {
        let inside = |list: &syn::MetaList| {
            list.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated).unwrap_or_default()
        };
        match meta {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => inside(list).iter().any(demands_test),
            Meta::List(list) if list.path.is_ident("any") => {
                let choices = inside(list);
                !choices.is_empty() && choices.iter().all(demands_test)
            }
            _ => false,
        }
    }
    let is_test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Meta>().is_ok_and(|meta| demands_test(&meta))
    };
    attributes.iter().any(|attribute| attribute.path().is_ident("test") || is_test(attribute))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
