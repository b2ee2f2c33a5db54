//! The second judge of the rule language: the rsigma crates evaluate the same rules over the same events.
//!
//!     sigma-referee RULES... < EVENTS     one JSON object a line, keys dotted
//!
//! prints for each event the ids of the rules that match, as one JSON array a line. Of ours there is only this loop.
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{evaluate_rule, Engine};
use std::io::{self, BufRead, BufWriter, Write};

fn engine_of(paths: impl Iterator<Item = String>) -> Result<Engine, String> {
    let mut engine = Engine::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        let rules = rsigma_parser::parse_sigma_yaml(&text).map_err(|e| format!("{path}: {e}"))?;
        if let Some(error) = rules.errors.first() {
            return Err(format!("{path}: {error}"));
        }
        engine.add_collection(&rules).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(engine)
}

fn judge(engine: &Engine) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let event = serde_json::from_str(&line).map_err(|e| e.to_string())?;
        let event = JsonEvent::owned(event);
        // Rule by rule: the index in front of Engine::evaluate passes over lists of maps in which only some of the maps
        // test a word.
        let found: Vec<String> = engine
            .rules()
            .iter()
            .filter_map(|rule| evaluate_rule(rule, &event)?.rule_id)
            .collect();
        writeln!(out, "{}", serde_json::json!(found)).map_err(|e| e.to_string())?;
    }
    out.flush().map_err(|e| e.to_string())
}

fn main() {
    if let Err(e) = engine_of(std::env::args().skip(1)).and_then(|engine| judge(&engine)) {
        eprintln!("sigma-referee: {e}");
        std::process::exit(2);
    }
}
