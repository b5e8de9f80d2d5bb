//! PURE. Reads a shell command: which programs it runs with which arguments, and which files it writes, as far as its
//! text shows. Nothing is run. Variables that the command sets itself are followed; what only the shell can know, such
//! as the output of a program, is [`UNKNOWN`].

use std::collections::BTreeMap;

use brush_parser::ast::{
    AndOr, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList,
    IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, SimpleCommand,
};
use brush_parser::word::{self, Parameter, ParameterExpr, SpecialParameter, WordPiece, WordPieceWithSource};
use brush_parser::{ParserOptions, parse_tokens, uncached_tokenize_str};

use super::wrappers::{Step, UNKNOWN, step};

/// How deep scripts in scripts are read, such as `sh -c "sh -c …"`.
const DEEPEST: usize = 12;

/// The most programs that are looked at, so that a hostile command ends.
const MAX_FOUND: usize = 10_000;

/// The most text in variables, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It runs a program: its name and its arguments.
    Runs(Vec<String>),
    /// It runs this text of a shell, which cannot be followed.
    Searched(String),
    /// It runs this text of another language, or applies it as a patch.
    Foreign(String),
    /// It writes a file, whose path is relative to the folder in which the command starts.
    Writes(String),
}

/// The error for a command that cannot be read as one of a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotShell;

/// Returns what a command does.
///
/// # Errors
///
/// [`NotShell`] if it, or a script in it, cannot be parsed.
pub(super) fn read(text: &str) -> Result<Vec<Found>, NotShell> {
    let mut reader = Reader::default();
    reader.script(text)?;
    Ok(reader.found)
}

/// Returns what a program with its arguments does.
///
/// # Errors
///
/// [`NotShell`] if it runs a script that cannot be parsed.
pub(super) fn read_words(words: &[String]) -> Result<Vec<Found>, NotShell> {
    let mut reader = Reader::default();
    reader.run(words.to_vec(), None)?;
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    variables: BTreeMap<String, String>,
    /// The folder in which the next command runs, relative to that of the first one; empty: the same.
    directory: String,
    depth: usize,
    /// How many commands were looked at.
    steps: usize,
    /// The functions, by name.
    functions: BTreeMap<String, CompoundCommand>,
    found: Vec<Found>,
}

/// A part of a word. Only text that comes from a variable or a program and is not quoted is split into fields.
struct Part {
    text: String,
    is_split: bool,
}

impl Reader {
    fn script(&mut self, text: &str) -> Result<(), NotShell> {
        if self.depth >= DEEPEST || self.found.len() >= MAX_FOUND {
            return Err(NotShell);
        }
        self.depth += 1;
        let tokens = uncached_tokenize_str(text, &ParserOptions::default().tokenizer_options());
        let program = tokens.ok().and_then(|tokens| parse_tokens(&tokens, &ParserOptions::default()).ok());
        let program = program.ok_or(NotShell)?;
        for list in &program.complete_commands {
            self.list(list)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self, list: &CompoundList) -> Result<(), NotShell> {
        for item in &list.0 {
            self.pipeline(&item.0.first)?;
            for next in &item.0.additional {
                let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = next;
                self.pipeline(pipeline)?;
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Result<(), NotShell> {
        let mut input = None;
        for command in &pipeline.seq {
            input = self.command(command, input.take())?;
        }
        Ok(())
    }

    /// Reads one command with the text of its stdin, if that is known. Returns what it prints, if that is known.
    fn command(&mut self, command: &Command, input: Option<String>) -> Result<Option<String>, NotShell> {
        match command {
            Command::Simple(simple) => return self.simple(simple, input),
            Command::Compound(compound, redirects) => {
                self.redirects(redirects.iter().flat_map(|list| &list.0))?;
                self.compound(compound)?;
            }
            Command::Function(function) => {
                self.functions.insert(function.fname.value.clone(), function.body.0.clone());
            }
            Command::ExtendedTest(test, _) => self.found.push(Found::Searched(test.to_string())),
        }
        Ok(None)
    }

    fn compound(&mut self, compound: &CompoundCommand) -> Result<(), NotShell> {
        match compound {
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => {
                let (variables, directory) = (self.variables.clone(), self.directory.clone());
                self.list(&subshell.list)?;
                (self.variables, self.directory) = (variables, directory);
                Ok(())
            }
            CompoundCommand::ForClause(clause) => {
                let values = clause.values.as_deref().unwrap_or_default();
                let mut fields = Vec::new();
                for value in values {
                    fields.extend(self.fields(&value.value)?);
                }
                if fields.is_empty() {
                    fields.push(UNKNOWN.to_string());
                }
                for field in fields.into_iter().take(MAX_FOUND / 100) {
                    self.variables.insert(clause.variable_name.clone(), field);
                    self.list(&clause.body.list)?;
                }
                Ok(())
            }
            CompoundCommand::ArithmeticForClause(clause) => self.list(&clause.body.list),
            CompoundCommand::CaseClause(clause) => {
                self.text(&clause.value.value)?;
                clause.cases.iter().filter_map(|case| case.cmd.as_ref()).try_for_each(|list| self.list(list))
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition)?;
                self.list(&clause.then)?;
                for other in clause.elses.iter().flatten() {
                    if let Some(condition) = &other.condition {
                        self.list(condition)?;
                    }
                    self.list(&other.body)?;
                }
                Ok(())
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0)?;
                self.list(&clause.1.list)
            }
            CompoundCommand::Coprocess(coprocess) => self.command(&coprocess.body, None).map(drop),
            // Two brackets can be a shell in a shell too, which the parser takes for a sum.
            CompoundCommand::Arithmetic(sum) => {
                self.found.push(Found::Searched(sum.expr.value.clone()));
                Ok(())
            }
        }
    }

    fn simple(&mut self, simple: &SimpleCommand, mut input: Option<String>) -> Result<Option<String>, NotShell> {
        let mut words = Vec::new();
        let mut set = Vec::new();
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        let suffix = simple.suffix.iter().flat_map(|suffix| &suffix.0);
        for item in prefix {
            match item {
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                    if let (AssignmentName::VariableName(name), AssignmentValue::Scalar(value)) =
                        (&assignment.name, &assignment.value)
                    {
                        set.push((name.clone(), self.text(&value.value)?, assignment.append));
                    } else if let (AssignmentName::VariableName(name), AssignmentValue::Array(values)) =
                        (&assignment.name, &assignment.value)
                    {
                        let mut all = Vec::new();
                        for (_, value) in values {
                            all.push(self.text(&value.value)?);
                        }
                        let joined = all.join(" ");
                        set.push((
                            name.clone(),
                            if assignment.append { format!(" {joined}") } else { joined },
                            assignment.append,
                        ));
                    }
                }
                item => self.item(item, &mut words, &mut input)?,
            }
        }
        if let Some(name) = &simple.word_or_name {
            words.extend(self.fields(&name.value)?);
        }
        for item in suffix {
            self.item(item, &mut words, &mut input)?;
        }
        // Variables before a command hold for it only. To follow them further does no harm.
        for (name, value, is_appended) in set {
            // Programs run it.
            if name.ends_with("EDITOR") || name.ends_with("PAGER") {
                self.found.push(Found::Searched(value.clone()));
            }
            let before =
                if is_appended { self.variables.get(&name).cloned().unwrap_or_default() } else { String::new() };
            self.variables.insert(name, before + &value);
        }
        self.run(words, input.as_deref())
    }

    /// Reads a word, a redirection or a process substitution of a command.
    fn item(
        &mut self,
        item: &CommandPrefixOrSuffixItem,
        words: &mut Vec<String>,
        input: &mut Option<String>,
    ) -> Result<(), NotShell> {
        match item {
            CommandPrefixOrSuffixItem::Word(word) | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                words.extend(self.fields(&word.value)?);
            }
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                if let Some(text) = self.redirect(redirect)? {
                    *input = Some(text);
                }
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                self.list(&subshell.list)?;
                words.push(UNKNOWN.to_string());
            }
        }
        Ok(())
    }

    fn redirects<'r>(&mut self, redirects: impl Iterator<Item = &'r IoRedirect>) -> Result<(), NotShell> {
        for redirect in redirects {
            self.redirect(redirect)?;
        }
        Ok(())
    }

    /// Notes the file that a redirection writes, and returns the text that it gives to stdin.
    fn redirect(&mut self, redirect: &IoRedirect) -> Result<Option<String>, NotShell> {
        match redirect {
            IoRedirect::File(_, kind, IoFileRedirectTarget::Filename(word)) => {
                self.text(&word.value)?;
                if !matches!(kind, IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput) {
                    let path = self.text(&word.value)?;
                    self.writes(&path);
                }
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(_, subshell)) => {
                self.list(&subshell.list)?;
            }
            IoRedirect::File(..) => {}
            IoRedirect::OutputAndError(word, _) => {
                let path = self.text(&word.value)?;
                self.writes(&path);
            }
            IoRedirect::HereDocument(_, document) => {
                let text = document.doc.value.clone();
                if !document.requires_expansion {
                    return Ok(Some(text));
                }
                let pieces = word::parse_heredoc(&text, &ParserOptions::default());
                return Ok(Some(match pieces {
                    Ok(pieces) => self.parts(&pieces, true)?.into_iter().map(|part| part.text).collect(),
                    Err(_) => text,
                }));
            }
            IoRedirect::HereString(_, word) => return Ok(Some(self.text(&word.value)?)),
        }
        Ok(None)
    }

    fn positional(&self) -> Vec<(String, String)> {
        self.variables
            .iter()
            .filter(|(name, _)| name.parse::<usize>().is_ok())
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect()
    }

    /// Sets `$0`, `$1` and so on.
    fn set_positional(&mut self, arguments: &[String]) {
        self.variables.retain(|name, _| name.parse::<usize>().is_err());
        self.variables.extend(arguments.iter().enumerate().map(|(at, argument)| (at.to_string(), argument.clone())));
    }

    /// Notes that a file is written.
    fn writes(&mut self, path: &str) {
        let path = if path.starts_with('/') || self.directory.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.directory)
        };
        self.found.push(Found::Writes(path));
    }

    /// Follows the programs that run other programs, and notes the one that runs in the end.
    fn run(&mut self, mut words: Vec<String>, input: Option<&str>) -> Result<Option<String>, NotShell> {
        // Each step takes at least one word away.
        while !words.is_empty() {
            self.steps += 1 + words.len() / 100;
            if self.steps > MAX_FOUND || self.variables.values().map(String::len).sum::<usize>() > MAX_TEXT {
                return Err(NotShell);
            }
            if let Some(body) = self.functions.get(&words[0]).cloned().filter(|_| self.depth < DEEPEST) {
                self.depth += 1;
                let before: Vec<(String, String)> = self.positional();
                self.set_positional(&words);
                self.compound(&body)?;
                self.variables.extend(before);
                self.depth -= 1;
                return Ok(None);
            }
            match step(&words, input, &self.directory) {
                Step::Inner(inner) => words = inner,
                other => return self.follow(other, words, input),
            }
        }
        Ok(None)
    }

    /// Follows what a program with its arguments comes to.
    fn follow(&mut self, step: Step, words: Vec<String>, input: Option<&str>) -> Result<Option<String>, NotShell> {
        match step {
            Step::Inner(words) => self.run(words, input),
            Step::Any(steps) => {
                if self.depth >= 2 * DEEPEST {
                    return Err(NotShell);
                }
                self.depth += 1;
                let mut prints = None;
                for step in steps {
                    self.steps += 1 + words.len() / 100;
                    prints = self.follow(step, words.clone(), input)?.or(prints);
                }
                self.depth -= 1;
                Ok(prints)
            }
            Step::Script { text, arguments } => {
                self.set_positional(&arguments);
                self.script(&text)?;
                Ok(None)
            }
            Step::Search(text) => {
                self.found.push(Found::Searched(text));
                Ok(None)
            }
            Step::Foreign(text) => {
                self.found.push(Found::Foreign(text));
                Ok(None)
            }
            Step::Sets(set) => {
                self.variables.extend(set);
                Ok(None)
            }
            Step::Folder(folder) => {
                self.directory = if folder.starts_with('/') || self.directory.is_empty() {
                    folder
                } else {
                    format!("{}/{folder}", self.directory)
                };
                Ok(None)
            }
            Step::Program { writes, prints } => {
                for path in writes {
                    self.writes(&path);
                }
                if self.found.len() < MAX_FOUND {
                    self.found.push(Found::Runs(words));
                }
                Ok(prints)
            }
        }
    }

    /// Returns a word as one text, as in an assignment.
    fn text(&mut self, word: &str) -> Result<String, NotShell> {
        let pieces = word::parse(word, &ParserOptions::default()).map_err(|_| NotShell)?;
        Ok(self.parts(&pieces, true)?.into_iter().map(|part| part.text).collect())
    }

    /// Returns the fields that a word becomes.
    fn fields(&mut self, word: &str) -> Result<Vec<String>, NotShell> {
        let mut fields = Vec::new();
        for word in braces(word) {
            let pieces = word::parse(&word, &ParserOptions::default()).map_err(|_| NotShell)?;
            let parts = self.parts(&pieces, false)?;
            let is_quoted = parts.iter().any(|part| !part.is_split);
            let mut field = String::new();
            let mut is_open = is_quoted;
            for part in parts {
                if !part.is_split {
                    field += &part.text;
                    is_open = true;
                    continue;
                }
                let mut words = part.text.split([' ', '\t', '\n']).peekable();
                while let Some(word) = words.next() {
                    field += word;
                    is_open |= !word.is_empty();
                    if words.peek().is_some() && is_open {
                        fields.push(std::mem::take(&mut field));
                        is_open = false;
                    }
                }
            }
            if is_open {
                fields.push(field);
            }
        }
        Ok(fields)
    }

    fn parts(&mut self, pieces: &[WordPieceWithSource], is_quoted: bool) -> Result<Vec<Part>, NotShell> {
        let mut parts = Vec::new();
        for piece in pieces {
            let (text, is_split) = match &piece.piece {
                WordPiece::Text(text) | WordPiece::SingleQuotedText(text) => (text.clone(), false),
                WordPiece::AnsiCQuotedText(text) => (unescaped(text), false),
                // A line that goes on is one line.
                WordPiece::EscapeSequence(text) if text == "\\\n" => (String::new(), false),
                WordPiece::EscapeSequence(text) => (text.strip_prefix('\\').unwrap_or(text).to_owned(), false),
                WordPiece::DoubleQuotedSequence(pieces) | WordPiece::GettextDoubleQuotedSequence(pieces) => {
                    parts.extend(self.parts(pieces, true)?);
                    continue;
                }
                WordPiece::ArithmeticExpression(sum) => {
                    self.found.push(Found::Searched(sum.value.clone()));
                    (UNKNOWN.to_string(), false)
                }
                WordPiece::TildeExpansion(_) => (UNKNOWN.to_string(), false),
                WordPiece::CommandSubstitution(script) | WordPiece::BackquotedCommandSubstitution(script) => {
                    (self.output_of(script)?, !is_quoted)
                }
                WordPiece::ParameterExpansion(expression) => {
                    // `"$@"` is one field for each argument.
                    let is_list = matches!(
                        expression,
                        ParameterExpr::Parameter {
                            parameter: Parameter::Special(SpecialParameter::AllPositionalParameters {
                                concatenate: false
                            }) | Parameter::NamedWithAllIndices { concatenate: false, .. },
                            ..
                        }
                    );
                    (self.value_of(expression)?, !is_quoted || is_list)
                }
            };
            parts.push(Part { text, is_split });
        }
        Ok(parts)
    }

    /// Returns what a script prints, if its text shows that.
    fn output_of(&mut self, script: &str) -> Result<String, NotShell> {
        let (variables, directory, before) = (self.variables.clone(), self.directory.clone(), self.found.len());
        self.script(script)?;
        (self.variables, self.directory) = (variables, directory);
        let unknown = UNKNOWN.to_string();
        Ok(match self.found.get(before..).and_then(<[Found]>::last) {
            Some(Found::Runs(words)) => match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["which" | "where", name] | ["command", "-v" | "-V", name] | ["type", "-p" | "-P", name] => {
                    format!("/bin/{name}")
                }
                ["realpath" | "readlink" | "ls", .., name] => (*name).to_owned(),
                ["echo" | "printf", rest @ ..] => {
                    let rest: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
                    rest.join(" ")
                }
                _ => unknown,
            },
            _ => unknown,
        })
    }

    fn value_of(&mut self, expression: &ParameterExpr) -> Result<String, NotShell> {
        let unknown = UNKNOWN.to_string();
        let (parameter, otherwise) = match expression {
            ParameterExpr::Parameter { parameter, indirect: false } => (parameter, None),
            ParameterExpr::UseDefaultValues { parameter, indirect: false, default_value, .. }
            | ParameterExpr::AssignDefaultValues { parameter, indirect: false, default_value, .. } => {
                (parameter, default_value.as_deref())
            }
            _ => return Ok(unknown),
        };
        let name = match parameter {
            Parameter::Named(name) | Parameter::NamedWithAllIndices { name, .. } => name.clone(),
            Parameter::Positional(number) => number.to_string(),
            Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => {
                let all: Vec<&str> =
                    (1..).map_while(|at: usize| self.variables.get(&at.to_string())).map(String::as_str).collect();
                return Ok(if all.is_empty() { unknown } else { all.join(" ") });
            }
            Parameter::NamedWithIndex { .. } | Parameter::Special(_) => return Ok(unknown),
        };
        match (self.variables.get(&name), otherwise) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(word)) => self.text(word),
            (None, None) => Ok(unknown),
        }
    }
}

/// Returns the words that the braces of a word make: `a{b,c}` becomes `ab` and `ac`.
fn braces(word: &str) -> Vec<String> {
    const MOST: usize = 64;
    let is_plain = !word.contains(['\'', '"', '\\', '`', '$']);
    let Some((before, rest)) = word.split_once('{').filter(|_| is_plain) else { return vec![word.to_owned()] };
    let Some((inner, after)) = rest.split_once('}').filter(|(inner, _)| inner.contains(',')) else {
        return vec![word.to_owned()];
    };
    let words = inner.split(',').take(MOST).flat_map(|one| braces(&format!("{before}{one}{after}")));
    words.take(MOST).collect()
}

/// Returns the text of `$'…'`.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('x') => {
                let digits: String = chars.clone().take(2).take_while(char::is_ascii_hexdigit).collect();
                chars.by_ref().take(digits.len()).for_each(drop);
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(c @ '0'..='7') => {
                let digits: String = chars.clone().take(2).take_while(|c| c.is_digit(8)).collect();
                chars.by_ref().take(digits.len()).for_each(drop);
                out.extend(u32::from_str_radix(&format!("{c}{digits}"), 8).ok().and_then(char::from_u32));
            }
            Some(c) => out.push(c),
            None => {}
        }
    }
    out
}
