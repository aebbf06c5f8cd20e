//! The two POSIX syntaxes with GNU's additions, as `regcomp` of glibc 2.36 takes them in the C
//! locale.

use crate::base::limits::REGEX_DEPTH_MAX;
use crate::base::posix::Fault;
use crate::base::posix::Syntax;
use crate::base::posix::bracket;
use crate::base::posix::tree::Anchor;
use crate::base::posix::tree::ByteSet;
use crate::base::posix::tree::Tree;
use crate::base::posix::tree::is_word;

/// The greatest number in an interval.
const TIMES_MAX: u16 = 0x7FFF;
/// Groups that a back reference can name.
const NAMED_GROUPS: usize = 9;

/// What was read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) tree: Option<Tree>,
    pub(super) groups: usize,
    /// The groups that back references name, by their bits; bit 1 is group 1.
    pub(super) named: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Open,
    Close,
    Or,
    /// `*`, `+` or `?`.
    Repeat(u8),
    OpenInterval,
    CloseInterval,
    Bracket,
    Any,
    Anchor(Anchor),
    /// `\w`, `\W`, `\s` and `\S`.
    Class(u8),
    Back(usize),
    Byte(u8),
    Backslash,
}

pub(super) struct Parser<'a> {
    pub(super) rest: &'a [u8],
    syntax: Syntax,
    pub(super) any_case: bool,
    /// What comes next; `rest` is behind it.
    token: Token,
    groups: usize,
    /// Groups that are closed where a back reference could stand, by their bits.
    closed: u16,
    named: u16,
    depth: usize,
}

/// Reads `pattern`.
pub(super) fn parse(pattern: &[u8], syntax: Syntax, any_case: bool) -> Result<Parsed, Fault> {
    let mut parser = Parser {
        rest: pattern,
        syntax,
        any_case,
        token: Token::End,
        groups: 0,
        closed: 0,
        named: 0,
        depth: 0,
    };
    parser.advance(true);
    let tree = parser.alternatives()?;
    Ok(Parsed { tree, groups: parser.groups, named: parser.named })
}

impl Parser<'_> {
    /// A byte of the pattern as it stands there in any letter case.
    pub(super) const fn folded(&self, byte: u8) -> u8 {
        if self.any_case { byte.to_ascii_uppercase() } else { byte }
    }

    /// The bytes of a text that are in `set`, which has capitals only where case does not count.
    pub(super) fn unfolded(&self, set: &ByteSet) -> Tree {
        Tree::Bytes(ByteSet::of(|byte| set.contains(self.folded(byte))))
    }

    fn literal(&self, byte: u8) -> Tree {
        let mut set = ByteSet::default();
        set.insert(byte);
        self.unfolded(&set)
    }

    /// Reads the next token. `start`: a branch starts here, so that `^` is an anchor in a basic
    /// expression, too.
    fn advance(&mut self, start: bool) {
        let Some((byte, rest)) = self.rest.split_first() else {
            self.token = Token::End;
            return;
        };
        self.rest = rest;
        if *byte == b'\\' {
            let Some((next, rest)) = self.rest.split_first() else {
                self.token = Token::Backslash;
                return;
            };
            self.rest = rest;
            self.token = self.escaped(*next);
            return;
        }
        let extended = self.syntax == Syntax::Extended;
        self.token = match byte {
            b'*' => Token::Repeat(*byte),
            b'[' => Token::Bracket,
            b'.' => Token::Any,
            b'^' if extended || start => Token::Anchor(Anchor::Start),
            b'$' if extended || self.ends_branch() => Token::Anchor(Anchor::End),
            _ if extended => operator(*byte).unwrap_or(Token::Byte(*byte)),
            _ => Token::Byte(self.folded(*byte)),
        };
        if let Token::Byte(byte) = self.token {
            self.token = Token::Byte(self.folded(byte));
        }
    }

    fn ends_branch(&self) -> bool {
        self.rest.is_empty() || self.rest.starts_with(b"\\)") || self.rest.starts_with(b"\\|")
    }

    fn escaped(&self, byte: u8) -> Token {
        if self.syntax == Syntax::Basic
            && let Some(token) = operator(byte)
        {
            return token;
        }
        match byte {
            b'1'..=b'9' => Token::Back(usize::from(byte - b'0')),
            b'w' | b'W' | b's' | b'S' => Token::Class(byte),
            b'b' => Token::Anchor(Anchor::WordEdge),
            b'B' => Token::Anchor(Anchor::NoWordEdge),
            b'<' => Token::Anchor(Anchor::WordStart),
            b'>' => Token::Anchor(Anchor::WordEnd),
            b'`' => Token::Anchor(Anchor::Start),
            b'\'' => Token::Anchor(Anchor::End),
            _ => Token::Byte(byte),
        }
    }

    /// Branches with `|` between them, up to the end or the `)` of the group that is open.
    fn alternatives(&mut self) -> Result<Option<Tree>, Fault> {
        let before = self.closed;
        let mut closed = before;
        let mut branches = Vec::new();
        loop {
            self.closed = before;
            branches.push(self.branch()?);
            closed |= self.closed;
            if self.token != Token::Or {
                break;
            }
            self.advance(true);
        }
        self.closed = closed;
        let several = branches.len() > 1;
        Ok(if several { Some(Tree::Or(branches)) } else { branches.pop().flatten() })
    }

    fn branch(&mut self) -> Result<Option<Tree>, Fault> {
        let mut parts = Vec::new();
        while !matches!(self.token, Token::Or | Token::End)
            && (self.depth == 0 || self.token != Token::Close)
        {
            parts.extend(self.part()?);
        }
        let several = parts.len() > 1;
        Ok(if several { Some(Tree::Join(parts)) } else { parts.pop() })
    }

    /// One atom and what repeats it.
    fn part(&mut self) -> Result<Option<Tree>, Fault> {
        let basic = self.syntax == Syntax::Basic;
        let token = self.token;
        if let Token::Anchor(anchor) = token {
            // Nothing repeats an anchor: a star behind it is an error, or a star.
            self.advance(false);
            return Ok(Some(Tree::Anchor(anchor)));
        }
        let atom = match token {
            Token::Byte(byte) => self.literal(byte),
            Token::Any => Tree::Bytes(ByteSet::of(|byte| byte != 0)),
            Token::Class(class) => {
                let inside = class.is_ascii_lowercase();
                let space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0B;
                Tree::Bytes(match class {
                    b'w' | b'W' => ByteSet::of(|byte| is_word(byte) == inside),
                    _ => ByteSet::of(|byte| space(byte) == inside),
                })
            }
            Token::Bracket => bracket::parse(self)?,
            Token::Back(group) => {
                if self.closed >> group & 1 == 0 {
                    return Err(Fault::of("a back reference to no group before it"));
                }
                self.named |= 1 << group;
                Tree::Back(group)
            }
            Token::Open => self.group()?,
            Token::Repeat(byte) if basic => self.literal(byte),
            Token::Repeat(_) | Token::OpenInterval => return Err(Fault::of("nothing to repeat")),
            Token::Close if basic => return Err(Fault::of("unmatched \\)")),
            Token::Close => self.literal(b')'),
            Token::CloseInterval => self.literal(b'}'),
            Token::Backslash => return Err(Fault::of("trailing backslash")),
            Token::Anchor(_) | Token::Or | Token::End => return Ok(None),
        };
        self.advance(false);
        self.repeated(atom)
    }

    /// The `(` is the current token; afterwards the `)` is.
    fn group(&mut self) -> Result<Tree, Fault> {
        if self.depth == REGEX_DEPTH_MAX {
            return Err(Fault::ours(format!("groups go deeper than {REGEX_DEPTH_MAX}")));
        }
        self.groups += 1;
        let number = self.groups;
        self.depth += 1;
        self.advance(true);
        let inner = self.alternatives()?;
        self.depth -= 1;
        if self.token != Token::Close {
            return Err(Fault::of("unmatched ("));
        }
        if number <= NAMED_GROUPS {
            self.closed |= 1 << number;
        }
        Ok(Tree::Group(number, inner.map(Box::new)))
    }

    fn repeated(&mut self, atom: Tree) -> Result<Option<Tree>, Fault> {
        let mut atom = atom;
        let mut deep = 0;
        loop {
            let (low, high) = match self.token {
                Token::Repeat(b'*') => (0, None),
                Token::Repeat(b'+') => (1, None),
                Token::Repeat(_) => (0, Some(1)),
                Token::OpenInterval => self.interval()?,
                _ => return Ok(Some(atom)),
            };
            self.advance(false);
            if self.syntax == Syntax::Basic
                && matches!(self.token, Token::Repeat(b'*') | Token::OpenInterval)
            {
                return Err(Fault::of("what is repeated cannot be repeated"));
            }
            deep += 1;
            if deep > REGEX_DEPTH_MAX {
                return Err(Fault::ours("too many repetitions of repetitions".to_owned()));
            }
            atom = Tree::Repeat(Box::new(atom), low, high);
        }
    }

    /// `m}`, `m,}`, `,n}` or `m,n}`; afterwards the brace is the current token.
    fn interval(&mut self) -> Result<(u16, Option<u16>), Fault> {
        let invalid = || Fault::of("invalid content of {}");
        let low = self.number()?;
        let comma = self.token == Token::Byte(b',');
        if low.is_none() && !comma {
            return Err(invalid());
        }
        let low = low.unwrap_or(0);
        let high = if comma { self.number()? } else { Some(low) };
        if self.token != Token::CloseInterval || high.is_some_and(|high| low > high) {
            return Err(invalid());
        }
        if high.unwrap_or(low) > TIMES_MAX {
            return Err(Fault::of("the regular expression is too big"));
        }
        Ok((low, high))
    }

    /// The digits up to a comma or the brace, if there are any.
    fn number(&mut self) -> Result<Option<u16>, Fault> {
        let mut number = None;
        loop {
            self.advance(false);
            match self.token {
                Token::End => return Err(Fault::of("unmatched {")),
                Token::CloseInterval | Token::Byte(b',') => return Ok(number),
                Token::Byte(byte) if byte.is_ascii_digit() => {
                    let digit = u16::from(byte - b'0');
                    let more = number.unwrap_or(0_u16).saturating_mul(10).saturating_add(digit);
                    number = Some(more.min(TIMES_MAX + 1));
                }
                _ => return Err(Fault::of("invalid content of {}")),
            }
        }
    }
}

/// The operators that take a backslash in basic expressions, and none in extended ones.
const fn operator(byte: u8) -> Option<Token> {
    Some(match byte {
        b'(' => Token::Open,
        b')' => Token::Close,
        b'|' => Token::Or,
        b'+' | b'?' => Token::Repeat(byte),
        b'{' => Token::OpenInterval,
        b'}' => Token::CloseInterval,
        _ => return None,
    })
}
